import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * `npm run build:page [-- FILE]`: makes `dist/page.html` (or the file named): the status page as one file that asks nobody but the
 * agent that serves it.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = process.argv[2] ?? `${root}/dist/page.html`;
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['src/page/main.tsx'],
  bundle: true,
  write: false,
  minify: true,
  format: 'esm',
  target: 'es2023',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning',
});
const styles = await Promise.all(
  ['node_modules/uplot/dist/uPlot.min.css', 'src/page/style.css'].map((path) => readFile(`${root}/${path}`, 'utf8')),
);
// A closing tag inside the script would end it.
const script = (outputFiles[0]?.text ?? '').trim().replaceAll('</script', '<\\/script');
const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bothways</title>
<link rel="icon" href="data:,">
<style>${styles.join('\n')}</style>
</head>
<body>
<script type="module">${script}</script>
</body>
</html>
`;
await mkdir(dirname(outfile), { recursive: true });
await writeFile(outfile, html);
