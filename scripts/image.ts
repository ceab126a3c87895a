import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { version } from '../src/kernel/version.ts';

/**
 * `npm run image`: builds the container image with docker, podman or buildah, whichever is there, after `npm run build`.
 * `-- --tag NAME --platform linux/arm64 --timestamp SECONDS`. The same sources and timestamp give the same image.
 */
const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: `bothways:${version}` },
    platform: { type: 'string' },
    timestamp: { type: 'string', default: '0' },
  },
});
const root = fileURLToPath(new URL('..', import.meta.url));
if (!/^\d{1,12}$/.test(values.timestamp)) {
  console.error('image: --timestamp: write Unix seconds');
  process.exit(2);
}

const common = [
  ...['--file', 'infra/image/Containerfile', '--tag', values.tag, '--build-arg', `VERSION=${version}`],
  ...(values.platform === undefined ? [] : ['--platform', values.platform]),
];
/** Programs that build images, in the order in which they are tried: does it work here, and its words. */
const builders = [
  {
    program: 'docker',
    works: ['info'],
    words: ['build', ...common, '--build-arg', `SOURCE_DATE_EPOCH=${values.timestamp}`, '.'],
  },
  { program: 'podman', works: ['info'], words: ['build', ...common, '--timestamp', values.timestamp, '.'] },
  {
    program: 'buildah',
    works: ['--version'],
    // With a health check, which the other format has no place for.
    words: ['build', '--format', 'docker', ...common, '--timestamp', values.timestamp, '.'],
  },
];
const builder = builders.find(({ program, works }) => spawnSync(program, works, { stdio: 'ignore' }).status === 0);
if (builder === undefined) {
  console.error('image: neither docker nor podman nor buildah works here; install one of them, then run it again');
  process.exit(1);
}
const run = (program: string, words: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(program, words, { cwd: root, stdio: 'inherit' });
    child.on('close', (code) => resolve(code ?? 1));
  });
const built = await run('npm', ['run', '--silent', 'build']);
process.exitCode = built === 0 ? await run(builder.program, builder.words) : built;
if (process.exitCode === 0) console.log(`image: ${values.tag}, by ${builder.program}`);
