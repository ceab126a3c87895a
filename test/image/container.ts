import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** What a container runs with. */
export type ContainerOptions = {
  readonly runc: string;
  /** Folder of the image's files. */
  readonly files: string;
  readonly words: readonly string[];
  /** Name of the network namespace that it joins; one of its own if not set. */
  readonly network?: string;
  /** Folder that is mounted at /etc/bothways. */
  readonly list?: string;
  readonly uid?: number;
  /** Its group; that of the user's number if not set. */
  readonly gid?: number;
};

/** A container as the restricted profile has it: no capability, none to gain, nothing to write to, a user without a name. */
export type Container = AsyncDisposable & {
  readonly lines: string[];
  /** Resolves with a line that fits, or rejects when the container has ended without one. */
  readonly said: (pattern: RegExp) => Promise<string>;
  readonly exited: Promise<number>;
  readonly signal: (name: 'TERM' | 'KILL') => Promise<void>;
  /** The most memory that one of its processes has held so far, in bytes. */
  readonly peakMemory: () => Promise<number>;
  /** Runs another program in it. */
  readonly exec: (...words: readonly string[]) => Promise<number>;
};

let serial = 0;

/** Starts a container with runc. */
export const startContainer = async (options: ContainerOptions): Promise<Container> => {
  const { runc, files, words, network, list, uid = 65_532, gid = uid } = options;
  const bundle = await mkdtemp(join(tmpdir(), 'bothways-container-'));
  serial += 1;
  const id = `bothways-${process.pid}-${serial}`;
  const state = join(bundle, 'state');
  await mkdir(state);
  const none: string[] = [];
  const mount = (destination: string, type: string, source: string, ...flags: string[]) => ({
    destination,
    type,
    source,
    options: flags,
  });
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid },
      args: ['/usr/bin/node', '/opt/bothways/bin/bothways', ...words],
      cwd: '/var/lib/bothways',
      env: ['PATH=/usr/bin', 'NODE_ENV=production'],
      noNewPrivileges: true,
      capabilities: { bounding: none, effective: none, permitted: none, inheritable: none, ambient: none },
    },
    root: { path: files, readonly: true },
    mounts: [
      mount('/proc', 'proc', 'proc'),
      mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'mode=755', 'size=64k'),
      mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
      ...(list === undefined ? [] : [mount('/etc/bothways', 'bind', list, 'bind', 'ro')]),
    ],
    linux: {
      namespaces: [
        ...['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
        { type: 'network', ...(network === undefined ? {} : { path: `/run/netns/${network}` }) },
      ],
      // As the manifests set it; a namespace that is joined has its own.
      ...(network === undefined ? { sysctl: { 'net.ipv4.ping_group_range': '0 65535' } } : {}),
    },
  };
  await writeFile(join(bundle, 'config.json'), JSON.stringify(config));
  const base = ['--root', state];
  const child = spawn(runc, [...base, 'run', '--bundle', bundle, id], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit').then(([code]) => Number(code ?? -1));
  const { lines, said } = linesOf(child, exited);
  const ask = (...words_: readonly string[]) =>
    new Promise<number>((resolve) => {
      execFile(runc, [...base, ...words_], (error) => resolve(error === null ? 0 : Number(error.code)));
    });
  return {
    lines,
    said,
    exited,
    signal: async (name) => {
      await ask('kill', id, name);
    },
    peakMemory: async () => {
      const { stdout } = await promisify(execFile)(runc, [...base, 'state', id]);
      const { pid } = JSON.parse(stdout);
      return Math.max(...(await Promise.all((await familyOf(pid)).map(peakOf))));
    },
    exec: (...inside) => ask('exec', '--user', `${uid}:${gid}`, id, ...inside),
    [Symbol.asyncDispose]: async () => {
      await ask('delete', '--force', id);
      await exited;
      await rm(bundle, { recursive: true, force: true });
    },
  };
};

/** A process with all that it has started. */
const familyOf = async (pid: number): Promise<number[]> => {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter((one) => one !== '');
  return [pid, ...(await Promise.all(children.map((child) => familyOf(Number(child))))).flat()];
};

const peakOf = async (pid: number): Promise<number> => {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1_024;
};

const linesOf = (child: ChildProcess, exited: Promise<number>) => {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null)
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        for (const look of waiting) look();
      });
  const said = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const more = new Promise<void>((resolve) => waiting.add(resolve));
      await Promise.race([
        more,
        exited.then((code) => Promise.reject(new Error(`ended with ${code}: ${lines.join('\n')}`))),
      ]);
    }
  };
  return { lines, said };
};
