import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { answer, httpServer } from '../servers/http.ts';
import { freePort } from '../servers/program.ts';
import { type Push, receiver } from '../servers/receiver.ts';
import { blackboxVerdicts } from './blackbox.ts';
import { canaryName, listOf, type Places } from './list.ts';

/** What {@link runBatch} is asked: which peers, for how long, by which program. `hosts` are those of the lab. */
export type BatchOrder = {
  readonly names: readonly string[];
  readonly hosts?: Readonly<Record<string, string>>;
  readonly seconds: number;
  /** The words that start the launcher: `node`, flags, `bin/bothways`. */
  readonly program: readonly string[];
  /** blackbox_exporter, to be asked about the same peers afterwards. */
  readonly blackbox?: string;
};

/** One run as it was pushed: `good`, or the reasons joined with `+`. */
export type PushedRun = { readonly at: number; readonly verdict: string; readonly doubt: number };

/** What became of a batch. Milliseconds and megabytes; `exit` is there when the agent ended by itself. */
export type BatchResult = {
  readonly names: readonly string[];
  readonly runs: Readonly<Record<string, readonly PushedRun[]>>;
  readonly canary: { readonly runs: readonly PushedRun[]; readonly expected: number };
  readonly heldMs: number;
  readonly lateMs: number;
  readonly peakMegabytes: number;
  readonly skipped: number;
  readonly escaped: number;
  readonly exit?: string;
  readonly said: string;
  readonly blackbox: Readonly<Record<string, string>>;
};

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The servers of a batch, in a process of their own, so that their time and memory are not the agent's. */
const startServers = async (names: readonly string[]) => {
  const child: ChildProcess = fork(beside('serve.ts'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.send(names);
  // safe: written by serve.ts
  const [{ ports, root }] = (await once(child, 'message')) as [{ ports: Record<string, number>; root: string }];
  return {
    ports,
    root,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // A server in the midst of a flood may be slow to read that it is over.
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

/** Runs an agent with hostile peers beside a canary: what it pushed and how it fared. Rejects when stopped, with nothing left behind. */
export const runBatch = async (
  { names, hosts = {}, seconds, program, blackbox }: BatchOrder,
  signal: AbortSignal,
): Promise<BatchResult> => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-hostile-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const servers = stack.use(await startServers(names));
  const canary = stack.use(await httpServer(() => answer(200, {}, 'alive')));
  const sink = stack.use(await receiver());
  const ca = join(folder, 'root.pem');
  await writeFile(ca, servers.root);
  const places: Places = { canary: canary.port, receiver: sink.url, ca, ports: servers.ports, hosts };
  const list = join(folder, 'list.yml');
  await writeFile(list, listOf(names, places));
  const watch = join(folder, 'loop');
  const port = await freePort();
  const [node = '', ...rest] = program;
  const flags = ['--require', beside('loop-watch.cjs')];
  const words = [...flags, ...rest, 'agent', '--config', list, '--listen', `127.0.0.1:${port}`, '--stop-timeout', '3s'];
  const agent = spawn(node, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, BOTHWAYS_LOOP_WATCH: watch },
  });
  let said = '';
  agent.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4_000);
  });
  const exited = once(agent, 'exit');
  let exit: string | undefined;
  void exited.then(([code, signal]) => {
    exit ??= `ended by itself with ${code ?? signal}`;
  });
  stack.defer(async () => {
    agent.kill('SIGKILL');
    await exited;
  });
  await readiness(port, () => exit ?? (signal.aborted ? 'stopped' : undefined));
  // The first second is the start's own: code is compiled and memory given back.
  await wait(1_000);
  const pid = agent.pid ?? 0;
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {});
  const from = Date.now();
  const end = from + seconds * 1_000;
  while (Date.now() < end && exit === undefined && !signal.aborted) await wait(50);
  signal.throwIfAborted();
  const to = Date.now();
  const peakMegabytes = await peak(pid);
  const metrics = exit === undefined ? await metricsAt(port) : '';
  const ended = exit;
  exit ??= '';
  agent.kill('SIGTERM');
  await Promise.race([exited, wait(8_000)]);
  const { heldMs, lateMs } = await gaps(watch, from, to);
  const runs = runsOf(sink.pushes);
  const theirs = blackbox === undefined ? {} : await blackboxVerdicts(blackbox, names, places, folder);
  return {
    names,
    runs: Object.fromEntries(names.map((name) => [name, copiesOf(runs, name)])),
    // A run that is under way at either end may or may not be among them.
    canary: {
      runs: (runs.get(canaryName) ?? []).filter(({ at }) => at >= from && at < to),
      expected: Math.floor((to - from) / 1_000),
    },
    heldMs,
    lateMs,
    peakMegabytes,
    skipped: sum(metrics, /^bothways_runs_skipped_total\{.*?\} (\S+)$/gm),
    escaped: sum(metrics, /^bothways_escaped_errors_total(?:\{.*?\})? (\S+)$/gm),
    ...(ended === undefined ? {} : { exit: ended }),
    said,
    blackbox: theirs,
  };
};

const copiesOf = (runs: ReadonlyMap<string, readonly PushedRun[]>, name: string) =>
  [...runs].flatMap(([key, of]) => (key.startsWith(`${name}--`) ? of : []));

const readiness = async (port: number, ended: () => string | undefined): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && ended() === undefined) {
    const ok = await fetch(`http://127.0.0.1:${port}/-/healthy`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await wait(20);
  }
};

const metricsAt = (port: number): Promise<string> =>
  fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.text(),
    () => '',
  );

const sum = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);

/** The most that a process has held since its counter was cleared (proc(5), `VmHWM`), in megabytes. */
const peak = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024) / 1e6;
};

const gaps = async (path: string, from: number, to: number) => {
  const text = await readFile(path, 'utf8').catch(() => '');
  // safe: written by loop-watch.cjs
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { at: number; late: number; held: number })
    .filter(({ at }) => at >= from && at <= to);
  return {
    heldMs: Math.max(0, ...rows.map(({ held }) => held)),
    lateMs: Math.max(0, ...rows.map(({ late }) => late)),
  };
};

/** Runs by the target's name, from what was pushed. */
const runsOf = (pushes: readonly Push[]): Map<string, PushedRun[]> => {
  const byName = new Map<string, Map<number, { success?: number; reasons: string[]; doubt: number }>>();
  for (const { labels, value, at } of pushes.flatMap(({ series }) => series)) {
    const { __name__: metric, name = '', reason = '' } = labels;
    if (Number.isNaN(value)) continue;
    if (metric !== 'probe_success' && metric !== 'probe_failure_info' && metric !== 'bothways_timing_doubt_seconds')
      continue;
    const runs = byName.get(name) ?? new Map();
    byName.set(name, runs);
    const run = runs.get(at) ?? { reasons: [], doubt: 0 };
    runs.set(at, run);
    if (metric === 'probe_success') run.success = value;
    else if (metric === 'probe_failure_info') run.reasons.push(reason);
    else run.doubt = value;
  }
  return new Map(
    [...byName].map(([name, runs]) => [
      name,
      [...runs]
        .filter(([, { success }]) => success !== undefined)
        .map(([at, { success, reasons, doubt }]) => ({
          at,
          verdict: success === 1 ? 'good' : reasons.toSorted().join('+') || 'failed without a reason',
          doubt,
        }))
        .toSorted((a, b) => a.at - b.at),
    ]),
  );
};
