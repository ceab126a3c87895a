import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { version } from '../src/kernel/version.ts';

/**
 * `npm run image`: builds the container image with docker, podman or buildah, whichever is there, after `npm run build`, and says
 * what it runs. `-- --base NAME@sha256:DIGEST --tag NAME --platform linux/amd64,linux/arm64 --timestamp SECONDS --push`. The same
 * sources, base and timestamp give the same image. A base without a digest is refused, unless `--allow-tag` is given.
 */
const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '' },
    'allow-tag': { type: 'boolean', default: false },
    tag: { type: 'string', default: `bothways:${version}` },
    platform: { type: 'string' },
    timestamp: { type: 'string', default: '0' },
    push: { type: 'boolean', default: false },
  },
});
const { base, tag, platform, timestamp, push } = values;
const allowTag = values['allow-tag'];
const root = fileURLToPath(new URL('..', import.meta.url));
if (!/^\d{1,12}$/.test(timestamp)) {
  console.error('image: --timestamp: write Unix seconds');
  process.exit(2);
}

if (base === '' || !(allowTag || /^[^@\s]+@sha256:[0-9a-f]{64}$/.test(base))) {
  console.error(
    `image: --base: ${base === '' ? 'missing' : `${base} has no digest`}; write for example node:24-slim@sha256:DIGEST, with what \`docker buildx imagetools inspect node:24-slim\` prints as Digest, or add --allow-tag`,
  );
  process.exit(2);
}

const git = (...words: string[]): string | undefined => {
  const { status, stdout } = spawnSync('git', words, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
};
const head = git('rev-parse', 'HEAD') ?? 'unknown';
const revision = git('status', '--porcelain') === '' || head === 'unknown' ? head : `${head}-dirty`;
const created = new Date(Number(timestamp) * 1_000).toISOString().replace('.000Z', 'Z');

const isMany = platform?.includes(',') === true;
const common = [
  ...['--file', 'infra/image/Containerfile'],
  ...['--build-arg', `BASE=${base}`, ...(allowTag ? ['--build-arg', 'ALLOW_TAG=yes'] : [])],
  ...['--build-arg', 'DIST=here', '--build-arg', `VERSION=${version}`],
  ...['--build-arg', `REVISION=${revision}`, '--build-arg', `CREATED=${created}`],
  ...(platform === undefined ? [] : ['--platform', platform]),
];

/** What is run, one after the other. `may` fail is what only clears the way. */
type Step = { readonly words: readonly string[]; readonly may?: 'fail' };

/** Docker's own store holds no image of several platforms: it goes to the registry, or into an archive. */
const archive = `bothways-${version}.oci.tar`;
const docker = (): readonly Step[] => {
  const words = [...common, '--tag', tag, '--build-arg', `SOURCE_DATE_EPOCH=${timestamp}`];
  if (isMany)
    return [
      { words: ['buildx', 'build', ...words, ...(push ? ['--push'] : ['--output', `type=oci,dest=${archive}`]), '.'] },
    ];
  return [{ words: ['build', ...words, '.'] }, ...(push ? [{ words: ['push', tag] }] : [])];
};

/** podman and buildah have the same words. A list that is there already would only get longer. */
const podman = (...more: readonly string[]): readonly Step[] => {
  const words = ['build', ...more, ...common, '--timestamp', timestamp];
  if (!isMany) return [{ words: [...words, '--tag', tag, '.'] }, ...(push ? [{ words: ['push', tag] }] : [])];
  return [
    { words: ['manifest', 'rm', tag], may: 'fail' },
    { words: [...words, '--manifest', tag, '.'] },
    ...(push ? [{ words: ['manifest', 'push', '--all', tag, `docker://${tag}`] }] : []),
  ];
};

/** Programs that build images, in the order in which they are tried: does it work here, and what it is told. */
const builders: readonly { readonly program: string; readonly works: string; readonly steps: readonly Step[] }[] = [
  { program: 'docker', works: 'info', steps: docker() },
  { program: 'podman', works: 'info', steps: podman() },
  // With a health check, which the other format has no place for.
  { program: 'buildah', works: '--version', steps: podman('--format', 'docker') },
];
const builder = builders.find(({ program, works }) => spawnSync(program, [works], { stdio: 'ignore' }).status === 0);
if (builder === undefined) {
  console.error('image: neither docker nor podman nor buildah works here; install one of them, then run it again');
  process.exit(1);
}
const run = (program: string, { words, may }: Step): Promise<number> =>
  new Promise((resolve) => {
    console.log(`image: ${program} ${words.join(' ')}`);
    const child = spawn(program, words, { cwd: root, stdio: may === 'fail' ? 'ignore' : 'inherit' });
    child.on('close', (code) => resolve(may === 'fail' ? 0 : (code ?? 1)));
  });
let code = await run('npm', { words: ['run', '--silent', 'build'] });
for (const step of builder.steps) if (code === 0) code = await run(builder.program, step);
process.exitCode = code;
const isArchive = builder.program === 'docker' && isMany && !push;
if (code === 0) console.log(`image: ${isArchive ? archive : tag}, by ${builder.program}`);
