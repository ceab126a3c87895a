import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Capabilities, EngineStats, ProbeOutcome, ProbeRequest } from '../../src/net/icmp/engine.ts';
import type { PathOptions, PathTrace } from '../../src/net/icmp/trace-path.ts';
import { needs, peer } from '../servers/peers.ts';
import { exec, must, type Said } from './programs.ts';
import type { Manners } from './respond.ts';

/** A place in the lab: the source, six routers in a row, one beside the third, the target, and a neighbour of the source. */
export type Place = 'src' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r3b' | 'dst' | 'peer';

/** A small network of namespaces: source, r1 to r6, target. Nothing of it reaches the machine's own. */
export type Lab = AsyncDisposable & {
  /** The words that run a program in a place; without a privilege: no root, no capability, and none to be had. */
  readonly words: (place: Place, words: readonly string[], isUnprivileged?: boolean) => readonly string[];
  /** Runs a program in a place to its end. */
  readonly run: (place: Place, words: readonly string[], isUnprivileged?: boolean) => Promise<Said>;
  /** The same with something to read. */
  readonly feed: (place: Place, words: readonly string[], input: string, isUnprivileged?: boolean) => Promise<Said>;
  /** Runs `ip` in a place; throws if it does not like the words. */
  readonly ip: (place: Place, ...words: readonly string[]) => Promise<void>;
  /** Sets a sysctl (its name with dots) in a place. */
  readonly sysctl: (place: Place, name: string, value: string | number) => Promise<void>;
  /** Rules of nftables in a place, at one hook, until disposed of. */
  readonly rules: (
    place: Place,
    hook: 'input' | 'forward' | 'output',
    ...rules: readonly string[]
  ) => Promise<AsyncDisposable>;
};

/** The prefixes that the target and the neighbour answer for, and one whose packets vanish at the neighbour. */
const prefixes = {
  target: { 4: '10.99.0.0/21', 6: 'fd99::/64' },
  peer: { 4: '10.98.0.0/16', 6: 'fd98::/64' },
  blackHole: { 4: '10.96.0.0/16', 6: 'fd96::/64' },
} as const;

/** Addresses of the lab, by family. `number` is from 1 on. */
export const addresses = {
  target: (family: 4 | 6, number = 1) =>
    family === 4 ? `10.99.${number >> 8}.${number & 255}` : `fd99::${number.toString(16)}`,
  peer: (family: 4 | 6, number = 1) =>
    family === 4 ? `10.98.${number >> 8}.${number & 255}` : `fd98::${number.toString(16)}`,
  blackHole: (family: 4 | 6, number = 1) =>
    family === 4 ? `10.96.${number >> 8}.${number & 255}` : `fd96::${number.toString(16)}`,
  /** On the link to the neighbour, where nobody has it. */
  nobody: (family: 4 | 6, number = 1) =>
    family === 4 ? `10.21.${1 + (number >> 8)}.${number & 255}` : `fd21::1:${number.toString(16)}`,
  /** On the link of the last router, where nobody has it. */
  missing: (family: 4 | 6) => (family === 4 ? '10.20.6.77' : 'fd20:0:0:6::77'),
  /** By which a router answers towards the source. */
  router: (hop: number, family: 4 | 6) =>
    family === 4 ? `10.20.${hop - 1}.2` : hop === 1 ? 'fd20::2' : `fd20:0:0:${hop - 1}::2`,
  /** By which the router beside the third one answers. */
  beside: (family: 4 | 6) => (family === 4 ? '10.20.12.2' : 'fd20:0:0:12::2'),
} as const;

const chain: readonly Place[] = ['src', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'dst'];
const places: readonly Place[] = [...chain, 'r3b', 'peer'];
let labs = 0;

/** Why there can be no lab here, or `undefined`. */
export const noLab = (): string | undefined =>
  process.platform !== 'linux'
    ? 'a lab needs Linux'
    : process.getuid?.() !== 0
      ? 'a lab of namespaces needs root'
      : undefined;

/** What a lab may be built with. `ping` opens ping sockets to every group in the source, which is the default. */
type LabOptions = { readonly ping?: boolean };

/** Builds the lab; a text says why there can be none. What an earlier process has left behind is removed first. */
export const openLab = async ({ ping = true }: LabOptions = {}): Promise<Lab | string> => {
  const reason = noLab();
  if (reason !== undefined) return reason;
  const ip = await peer('ip');
  return ip.missing ?? startLab(ip.path, ping);
};

/** The lab, or `undefined` after skipping the test with the reason. */
export const labFor = async (t: Parameters<typeof needs>[0], options: LabOptions = {}): Promise<Lab | undefined> => {
  if (noLab() === undefined && (await needs(t, 'ip')) === undefined) return undefined;
  const lab = await openLab(options);
  if (typeof lab !== 'string') return lab;
  t.skip(lab);
  return undefined;
};

const startLab = async (ip: string, hasPing: boolean): Promise<Lab> => {
  await removeLeftovers(ip);
  labs += 1;
  const own = `bw${process.pid}x${labs}-`;
  const name = (place: Place) => `${own}${place}`;
  const batch = (lines: readonly string[]) => must(ip, ['-batch', '-'], lines.join('\n'));
  await batch(places.map((place) => `netns add ${name(place)}`));
  const lab = labOf(ip, name);
  try {
    await Promise.all(places.map((place) => prepare(ip, name(place), hasPing)));
    await batch(links(name));
    await Promise.all(
      places.map((place) => must(ip, ['-n', name(place), '-batch', '-'], configuration(place).join('\n'))),
    );
    return lab;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
};

/** A pair of interfaces is born in the two namespaces that it joins. */
const links = (name: (place: Place) => string): string[] =>
  places.flatMap((place) =>
    linksOf(place)
      .filter(({ end }) => end === 1)
      .map(({ to, subnet }) => {
        const one = `link add to-${to} address ${mac(subnet, 1)} netns ${name(place)}`;
        return `${one} type veth peer name to-${place} address ${mac(subnet, 2)} netns ${name(to)}`;
      }),
  );

const mac = (subnet: number, end: 1 | 2): string => `02:00:00:00:${subnet.toString(16).padStart(2, '0')}:0${end}`;

const prepare = async (ip: string, namespace: string, hasPing: boolean): Promise<void> => {
  const settings: [string, string | number][] = [
    ['net/ipv4/ip_forward', 1],
    ['net/ipv6/conf/all/forwarding', 1],
    ['net/ipv4/icmp_ratelimit', 0],
    ['net/ipv6/icmp/ratelimit', 0],
    // Before the links are born: their own addresses are to be there at once.
    ['net/ipv6/conf/all/accept_dad', 0],
    ['net/ipv6/conf/default/accept_dad', 0],
    ['net/ipv4/conf/all/rp_filter', 0],
    ['net/ipv4/conf/default/rp_filter', 0],
    ['net/ipv4/ping_group_range', hasPing ? '0 65535' : '1 0'],
  ];
  const lines = settings.map(([path, value]) => `echo '${value}' > /proc/sys/${path}`);
  // Not in all kernels is this one of the namespace.
  lines.push('echo 100000 > /proc/sys/net/ipv4/icmp_msgs_per_sec 2>/dev/null || true');
  await must(ip, ['netns', 'exec', namespace, 'sh', '-e'], lines.join('\n'));
};

/** The link to the neighbour is a wide one, with room for addresses that nobody has. */
const besideSubnet = 21;

type Link = { readonly to: Place; readonly subnet: number; readonly end: 1 | 2 };

const linksOf = (place: Place): Link[] => {
  const index = chain.indexOf(place);
  const found: Link[] = [];
  const before = chain[index - 1];
  const after = chain[index + 1];
  if (index > 0 && before !== undefined) found.push({ to: before, subnet: index - 1, end: 2 });
  if (index >= 0 && after !== undefined) found.push({ to: after, subnet: index, end: 1 });
  if (place === 'r2') found.push({ to: 'r3b', subnet: 12, end: 1 });
  if (place === 'r3b') found.push({ to: 'r2', subnet: 12, end: 2 }, { to: 'r4', subnet: 13, end: 1 });
  if (place === 'r4') found.push({ to: 'r3b', subnet: 13, end: 2 });
  if (place === 'src') found.push({ to: 'peer', subnet: besideSubnet, end: 1 });
  if (place === 'peer') found.push({ to: 'src', subnet: besideSubnet, end: 2 });
  return found;
};

const configuration = (place: Place): string[] => {
  const lines = ['link set lo up'];
  for (const { to, subnet, end } of linksOf(place)) {
    const other = end === 1 ? 2 : 1;
    const isBeside = subnet === besideSubnet;
    const four = (of: 1 | 2) => (isBeside ? `10.21.0.${of}` : `10.20.${subnet}.${of}`);
    const six = (of: 1 | 2) => (isBeside ? `fd21::${of}` : `fd20:0:0:${subnet}::${of}`);
    lines.push(`addr add ${four(end)}/${isBeside ? 16 : 24} dev to-${to}`);
    lines.push(`addr add ${six(end)}/64 dev to-${to} nodad`, `link set to-${to} up`);
    // Known from the start: searching for a neighbour takes time while a link wakes up.
    for (const address of [four(other), six(other)])
      lines.push(`neigh add ${address} lladdr ${mac(subnet, other)} dev to-${to} nud permanent`);
  }
  const index = chain.indexOf(place);
  const forward =
    place === 'r3b' ? { 4: '10.20.13.2', 6: 'fd20:0:0:13::2' } : { 4: `10.20.${index}.2`, 6: `fd20:0:0:${index}::2` };
  const back =
    place === 'r3b'
      ? { 4: '10.20.12.1', 6: 'fd20:0:0:12::1' }
      : { 4: `10.20.${index - 1}.1`, 6: `fd20:0:0:${index - 1}::1` };
  if (place !== 'dst' && place !== 'peer') {
    for (const family of [4, 6] as const) lines.push(route(prefixes.target[family], forward[family]));
    if (place !== 'r6') lines.push(route('10.20.6.0/24', forward[4]), route('fd20:0:0:6::/64', forward[6]));
  }
  if (place === 'src') {
    for (const family of [4, 6] as const) {
      const via = family === 4 ? '10.21.0.2' : 'fd21::2';
      lines.push(route(prefixes.peer[family], via), route(prefixes.blackHole[family], via));
    }
  } else if (place !== 'peer' && place !== 'r1') {
    lines.push(route('10.20.0.0/24', back[4]), route('fd20::/64', back[6]));
  }
  const answering = place === 'dst' ? prefixes.target : place === 'peer' ? prefixes.peer : undefined;
  for (const family of [4, 6] as const) {
    if (answering !== undefined) lines.push(`route add local ${answering[family]} dev lo`);
    if (place === 'peer') lines.push(`route add blackhole ${prefixes.blackHole[family]}`);
  }
  return lines;
};

const route = (to: string, via: string): string => `route add ${to} via ${via}`;

const labOf = (ip: string, name: (place: Place) => string): Lab => {
  let tables = 0;
  const words: Lab['words'] = (place, command, isUnprivileged = false) => [
    ip,
    'netns',
    'exec',
    name(place),
    ...(isUnprivileged ? [...withinReach, ...unprivileged, ...command.map(reachable)] : command),
  ];
  const run: Lab['run'] = (place, command, isUnprivileged) => exec(words(place, command, isUnprivileged));
  return {
    words,
    run,
    feed: (place, command, input, isUnprivileged) => exec(words(place, command, isUnprivileged), input),
    ip: (place, ...rest) => must(ip, ['-n', name(place), ...rest]),
    sysctl: (place, key, value) =>
      must(ip, ['netns', 'exec', name(place), 'sh', '-c', `echo '${value}' > /proc/sys/${key.replaceAll('.', '/')}`]),
    rules: async (place, hook, ...rules) => {
      const nft = await peer('nft');
      if (nft.missing !== undefined) throw new Error(nft.missing);
      tables += 1;
      const table = `fault${tables}`;
      const lines = [
        `table inet ${table} {`,
        'chain faults {',
        `type filter hook ${hook} priority 0`,
        ...rules,
        '}',
        '}',
      ];
      await must(ip, ['netns', 'exec', name(place), nft.path, '-f', '-'], lines.join('\n'));
      return {
        [Symbol.asyncDispose]: () =>
          must(ip, ['netns', 'exec', name(place), nft.path, 'delete', 'table', 'inet', table]),
      };
    },
    [Symbol.asyncDispose]: () => remove(ip, places.map(name)),
  };
};

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const nodeFolder = dirname(process.execPath);

/**
 * Who may nothing may not look into root's folders either, where this repository or Node may lie: both are shown in another place,
 * to this process alone, since `ip netns exec` gives it mounts of its own.
 */
const withinReach = [
  'sh',
  '-ec',
  'mount --bind "$0" /mnt; mount --bind "$1" /media; shift; cd /; exec "$@"',
  root,
  nodeFolder,
];
const reachable = (word: string): string => word.replaceAll(nodeFolder, '/media').replaceAll(root, '/mnt');

/** The shell between the giving up and the program matters: until the next program starts, some rights are still there. */
const unprivileged = [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--no-new-privs',
  'sh',
  '-c',
  'exec "$@"',
  'sh',
];

/** Removes the namespaces of test processes that are no more. */
export const removeLeftovers = async (ip: string): Promise<void> => {
  const names = listNamespaces().filter((name) => {
    const pid = /^bw(\d+)x\d+-/.exec(name)?.[1];
    return pid !== undefined && Number(pid) !== process.pid && !isAlive(Number(pid));
  });
  await remove(ip, names);
};

/** The namespaces of this machine that have names. */
export const listNamespaces = (): string[] => {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const remove = async (ip: string, names: readonly string[]): Promise<void> => {
  if (names.length > 0) await must(ip, ['-batch', '-'], names.map((name) => `netns delete ${name}`).join('\n'));
};

/** What {@link inside} is asked to do, and what it says. */
export type Errand = {
  readonly probes?: readonly ProbeRequest[];
  readonly traces?: readonly PathOptions[];
  /** Milliseconds for which it waits afterwards, for what comes late. */
  readonly lingerMs?: number;
  /** Milliseconds over which the probes are begun; all at once if not set. */
  readonly spreadMs?: number;
  /** Room of its sockets, in bytes. */
  readonly receiveBufferBytes?: number;
  /** Blocks its own event loop for so long, four times a second, while it works. */
  readonly blockMs?: number;
};
export type Report = {
  readonly capabilities: Capabilities;
  readonly outcomes: readonly ProbeOutcome[];
  readonly paths: readonly PathTrace[];
  readonly later: { readonly late: number; readonly duplicate: number };
  readonly stats: EngineStats;
};

const insideFile = fileURLToPath(new URL('inside.ts', import.meta.url));

/** Runs the engine in a place of the lab, in a process of its own. */
export const inside = async (lab: Lab, place: Place, errand: Errand, isUnprivileged = false): Promise<Report> => {
  const said = await lab.feed(place, [process.execPath, insideFile], JSON.stringify(errand), isUnprivileged);
  if (said.code !== 0) throw new Error(`${said.stderr} (code ${said.code})`);
  // safe: the other half of this file's own making
  return JSON.parse(said.stdout) as Report;
};

const responderFile = fileURLToPath(new URL('responder.ts', import.meta.url));

/** Puts badly behaved hosts beside the source: 10.97.0.N behaves as the manners of N say. */
export const badHosts = async (lab: Lab, manners: Readonly<Record<number, Manners>>): Promise<AsyncDisposable> => {
  const [program = '', ...rest] = lab.words('src', [process.execPath, responderFile, JSON.stringify(manners)]);
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await lab.ip('src', 'addr', 'add', '10.97.255.1/16', 'dev', 'bad0');
  await lab.ip('src', 'link', 'set', 'bad0', 'up');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
};

/** The program of this repository, run from its sources. */
export const bothways = [process.execPath, fileURLToPath(new URL('../../bin/bothways', import.meta.url))] as const;
