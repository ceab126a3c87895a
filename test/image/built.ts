import { execFile } from 'node:child_process';
import { appendFile, chmod, copyFile, cp, glob, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** An image that was built from the Containerfile as it is, and its files. */
export type BuiltImage = AsyncDisposable & {
  /** The folder that holds the image's files. */
  readonly files: string;
  /** Its configuration as the builder tells it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Builds it once more, and gives the digest of its layer. */
  readonly again: () => Promise<string>;
  /** Builds it by hand, without a word on what is in dist/. */
  readonly byHand: () => Promise<unknown>;
  /** Builds it from a base that is named by a tag alone. */
  readonly byTag: () => Promise<unknown>;
  readonly digest: string;
};

/** What the Containerfile's first stage runs, and Node. */
const programs = 'sh bash ldd cp mkdir chmod find sed sort dirname readlink touch cat ls uname'.split(' ');

/**
 * Builds the image with buildah, all of it in a folder of its own. The base image is a stand-in, put together from this machine's
 * programs: nothing is downloaded. `npm run build` is done in a copy of the sources.
 */
export const builtImage = async (buildah: string): Promise<BuiltImage> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-image-'));
  const policy = join(folder, 'policy.json');
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  await writeFile(join(folder, 'registries.conf'), '');
  await writeFile(
    join(folder, 'storage.conf'),
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/root"\nrunroot = "${folder}/run"\n`,
  );
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: folder,
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    XDG_RUNTIME_DIR: folder,
  };
  const ask = async (...words: string[]): Promise<string> => {
    const [program = '', ...before] = await withLibraries(buildah, folder);
    const { stdout } = await run(program, [...before, ...storage, ...words], { env, cwd: folder, maxBuffer: 16e6 });
    return stdout.trim();
  };
  const build = async (tag: string, ...more: readonly string[]) => {
    const words = [
      'build',
      '--isolation',
      'chroot',
      '--pull=never',
      '--format',
      'docker',
      '--timestamp',
      '0',
      '--quiet',
    ];
    const context = join(folder, 'context');
    words.push('--signature-policy', policy, '--file', 'infra/image/Containerfile', '--tag', tag);
    await ask(...words, ...more.flatMap((word) => ['--build-arg', word]), context);
    const inspected = JSON.parse(await ask('inspect', '--type', 'image', tag));
    const layers: string[] = inspected.OCIv1.rootfs.diff_ids;
    return { config: inspected.Docker.config, digest: layers.join() };
  };
  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    await standIn(join(folder, 'base'));
    const base = await ask('from', 'scratch');
    await ask('copy', '--quiet', base, join(folder, 'base'), '/');
    await ask('config', '--env', 'PATH=/usr/local/bin:/usr/bin', base);
    await ask('commit', '--quiet', '--signature-policy', policy, base, 'localhost/base:test');
    const allowed = ['BASE=localhost/base:test', 'ALLOW_TAG=yes'];
    await context(join(folder, 'context'));
    const { config, digest } = await build('bothways:test', ...allowed, 'DIST=here', 'REVISION=0a1b2c');
    const container = await ask('from', '--pull=never', '--signature-policy', policy, 'bothways:test');
    return {
      files: await ask('mount', container),
      config,
      digest,
      again: async () => (await build('bothways:again', ...allowed, 'DIST=here')).digest,
      byHand: () => build('bothways:hand', ...allowed),
      byTag: () => build('bothways:tag', 'BASE=localhost/base:test', 'DIST=here'),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
};

/**
 * The words that start buildah. It starts itself anew without its environment, so that libraries which were unpacked beside it would
 * not be found: where there are some, it gets a loader's cache with them, in mounts of its own.
 */
const withLibraries = async (buildah: string, folder: string): Promise<readonly string[]> => {
  const beside: string[] = [];
  for await (const path of glob(join(dirname(buildah), '{usr/,}lib/*-linux-*'))) beside.push(path);
  if (beside.length === 0) return [buildah];
  const cache = join(folder, 'ld.so.cache');
  const config = join(folder, 'ld.so.conf');
  await writeFile(config, `include /etc/ld.so.conf\n${beside.join('\n')}\n`);
  await run('/sbin/ldconfig', ['-X', '-C', cache, '-f', config]);
  const script = 'mount --bind "$0" /etc/ld.so.cache && exec "$@"';
  return ['unshare', '--mount', '--', 'sh', '-ec', script, cache, buildah];
};

/** What a clone gives to the builder once `npm run build` was run there. */
const context = async (folder: string): Promise<void> => {
  const runtime = `node_modules/node-linux-${process.arch}`;
  const files = ['bin', 'infra', 'package.json', 'LICENSE', 'node_modules/koffi', 'node_modules/@koromix', runtime];
  for (const file of files) await cp(join(root, file), join(folder, file), { recursive: true });
  await cp(join(root, '.dockerignore'), join(folder, '.dockerignore'));
  for (const [script, to] of [
    ['build', 'dist/cli.cjs'],
    ['build-page', 'dist/page.html'],
  ] as const)
    await run(process.execPath, [`scripts/${script}.ts`, join(folder, to)], { cwd: root });
};

/** A base image's files: some programs of this machine, the libraries that they need, and the Node that runs this. */
const standIn = async (folder: string): Promise<void> => {
  for (const place of ['usr/bin', 'usr/local/bin', 'tmp', 'etc']) await mkdir(join(folder, place), { recursive: true });
  await symlink('usr/bin', join(folder, 'bin'));
  const libraries = new Set<string>();
  const take = async (from: string, to: string) => {
    await copyFile(from, join(folder, to));
    await chmod(join(folder, to), 0o755);
    const { stdout } = await run('ldd', [from]).catch(() => ({ stdout: '' }));
    for (const [, linked, plain] of stdout.matchAll(/=> (\/\S+) \(|^\s+(\/\S+) \(/gm))
      libraries.add(linked ?? plain ?? '');
  };
  for (const program of programs) {
    const { stdout } = await run('sh', ['-c', `readlink -f "$(command -v ${program})"`]);
    await take(stdout.trim(), `usr/bin/${program}`);
  }
  await take(process.execPath, 'usr/local/bin/node');
  // Another file than the Node of the lock file, which runs all the same.
  await appendFile(join(folder, 'usr/local/bin/node'), 'of the base image');
  for (const library of libraries) {
    await mkdir(join(folder, dirname(library)), { recursive: true });
    await copyFile(library, join(folder, library));
    await chmod(join(folder, library), 0o755);
  }
};
