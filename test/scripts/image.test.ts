import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { version } from '../../src/kernel/version.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** Runs the script where npm and one builder are programs that only write down what they are told. */
const told = async (builder: string, ...flags: readonly string[]): Promise<readonly string[]> =>
  scriptWith(builder, '--base', base, ...flags);

const scriptWith = async (builder: string, ...flags: readonly string[]): Promise<readonly string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-builder-'));
  const notes = join(folder, 'notes');
  try {
    for (const name of ['npm', builder])
      await writeFile(join(folder, name), `#!/bin/sh\necho "\${0##*/} $*" >> "${notes}"\n`, { mode: 0o755 });
    await writeFile(join(folder, 'git'), '#!/bin/sh\n[ "$1" = status ] || echo 0a1b2c\n', { mode: 0o755 });
    const script = join(root, 'scripts/image.ts');
    const { stdout } = await run(process.execPath, [script, ...flags], { env: { PATH: folder } });
    const lines = (await readFile(notes, 'utf8')).trim().split('\n').slice(1);
    for (const line of lines) assert.ok(stdout.includes(`image: ${line}\n`), `it does not say: ${line}`);
    return lines;
  } finally {
    await rm(folder, { recursive: true });
  }
};

const base = `node:24-slim@sha256:${'0a1b'.repeat(16)}`;
const both = ['--platform', 'linux/amd64,linux/arm64'];

for (const builder of ['docker', 'podman', 'buildah'])
  test(`image script: ${builder} builds what was built just now, and is told version, revision and time`, async () => {
    const [first, second = '', ...more] = await told(builder, '--timestamp', '86400');
    assert.equal(first, 'npm run --silent build');
    for (const given of [
      'DIST=here',
      `BASE=${base}`,
      `VERSION=${version}`,
      'REVISION=0a1b2c',
      'CREATED=1970-01-02T00:00:00Z',
      `--tag bothways:${version}`,
      builder === 'docker' ? 'SOURCE_DATE_EPOCH=86400' : '--timestamp 86400',
    ])
      assert.ok(second.includes(` ${given} `), `${given} in ${second}`);
    assert.deepEqual(more, []);
  });

test('image script: a base image is named by its digest, or by a tag that is allowed', async () => {
  for (const flags of [
    [],
    ['--base', 'node:24-slim'],
    ['--base', 'node@sha256:0a1b'],
    ['--base', ` ${base}`],
    ['--allow-tag'],
  ])
    await assert.rejects(scriptWith('docker', ...flags), /image: --base: .*write for example node:24-slim@sha256:/);
  const [, build = ''] = await scriptWith('docker', '--base', 'node:24-slim', '--allow-tag');
  assert.match(build, / --build-arg BASE=node:24-slim --build-arg ALLOW_TAG=yes /);
  const [, pinned = ''] = await told('docker');
  assert.doesNotMatch(pinned, /ALLOW_TAG/);
});

test('image script: for several kinds of machine docker takes buildx, into a registry or an archive', async () => {
  const [, kept = ''] = await told('docker', ...both);
  assert.match(
    kept,
    /^docker buildx build .*--platform linux\/amd64,linux\/arm64 .*--output type=oci,dest=\S+\.oci\.tar \.$/,
  );
  const [, pushed = ''] = await told('docker', ...both, '--push', '--tag', 'example.com/b:1');
  assert.match(pushed, /^docker buildx build .*--tag example\.com\/b:1 .*--push \.$/);
});

for (const builder of ['podman', 'buildah'])
  test(`image script: for several kinds of machine ${builder} makes a list of images, and none that only grows`, async () => {
    const tag = 'example.com/b:1';
    const [, cleared, list = '', pushed] = await told(builder, ...both, '--push', '--tag', tag);
    assert.equal(cleared, `${builder} manifest rm ${tag}`);
    assert.match(list, /--platform linux\/amd64,linux\/arm64 .*--manifest example\.com\/b:1 \.$/);
    assert.doesNotMatch(list, /--tag/);
    assert.equal(pushed, `${builder} manifest push --all ${tag} docker://${tag}`);
  });

test('image: package, program, Containerfile and manifests say the same version', async () => {
  const text = (path: string) => readFile(join(root, path), 'utf8');
  assert.equal(JSON.parse(await text('package.json')).version, version);
  assert.equal(/^ARG VERSION=(.*)$/m.exec(await text('infra/image/Containerfile'))?.[1], version);
  const { images } = parse(await text('infra/kubernetes/agent/kustomization.yaml'));
  assert.deepEqual(images, [{ name: 'bothways', newTag: version }]);
  for (const page of ['docs/image.md', 'docs/kubernetes.md', 'README.md'])
    for (const [said, tag, pack] of (await text(page)).matchAll(
      /\b(?:bothways:|newTag: |bothways-)(\d[\d.]*\d)(\.tgz)?/g,
    ))
      assert.equal(tag, version, `${page}: ${said}${pack ?? ''}`);
});
