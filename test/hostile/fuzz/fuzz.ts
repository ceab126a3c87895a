import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kind } from './cases.ts';
import type { ProbeOrder, Tally } from './probe.ts';
import type { FuzzOrder } from './serve.ts';

/** A case that should not be, by its number. */
type Finding = { readonly id: number; readonly why: string };

/** What mutated answers of one kind did. `crashes` are processes that ended, with the last words of each. */
export type FuzzReport = {
  readonly kind: Kind;
  readonly seed: number;
  readonly runs: number;
  readonly good: number;
  readonly intact: number;
  readonly intactGood: number;
  readonly unexpected: readonly Finding[];
  readonly wrong: readonly Finding[];
  readonly crashes: readonly string[];
  readonly reasons: Readonly<Record<string, number>>;
  readonly perSecond: number;
  readonly residentMegabytes: number;
};

/** Which answers to mutate, how many cases, out of which seed, how many at once. */
export type FuzzOptions = {
  readonly kind: Kind;
  readonly seed: number;
  readonly count: number;
  readonly slots?: number;
  readonly signal?: AbortSignal;
};

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const mostCrashes = 20;

/**
 * Probes servers whose answers are mutated, end to end: the real kit and probers in one process, the servers in another. When the probing
 * process ends, that is a crash, and the rest goes on in a new one.
 */
export const fuzz = async ({ kind, seed, count, slots = 24, signal }: FuzzOptions): Promise<FuzzReport> => {
  const start = performance.now();
  const parts: Tally[] = [];
  const crashes: string[] = [];
  for (let from = 0; from < count && crashes.length < mostCrashes && signal?.aborted !== true; ) {
    const { tally, crash } = await stretch({ kind, seed, from, slots }, count, signal);
    parts.push(tally);
    if (crash === undefined) break;
    crashes.push(crash);
    from += tally.runs + slots;
  }
  const total = (of: (tally: Tally) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  const runs = total((part) => part.runs);
  const reasons: Record<string, number> = {};
  for (const part of parts)
    for (const [reason, times] of Object.entries(part.reasons)) reasons[reason] = (reasons[reason] ?? 0) + times;
  return {
    kind,
    seed,
    runs,
    good: total((part) => part.good),
    intact: total((part) => part.intact),
    intactGood: total((part) => part.intactGood),
    unexpected: parts.flatMap(({ unexpected }) => unexpected),
    wrong: await confirmed(
      kind,
      seed,
      parts.flatMap(({ wrong }) => wrong),
      signal,
    ),
    crashes,
    reasons,
    perSecond: runs / ((performance.now() - start) / 1_000),
    residentMegabytes: Math.max(0, ...parts.map((part) => part.residentMegabytes)),
  };
};

/**
 * The id of a DNS query is random, and a mutated one may hit it: of such cases those count that succeed twice more. All others are certain.
 */
const confirmed = async (
  kind: Kind,
  seed: number,
  wrong: readonly Finding[],
  signal: AbortSignal | undefined,
): Promise<readonly Finding[]> => {
  if (kind !== 'dns') return wrong;
  const certain: Finding[] = [];
  for (const finding of wrong.slice(0, mostConfirmed)) {
    const order = { kind, seed, from: finding.id, slots: 1 };
    const again = [await stretch(order, finding.id + 1, signal), await stretch(order, finding.id + 1, signal)];
    if (again.every(({ tally }) => tally.good === 1)) certain.push(finding);
  }
  return certain;
};

const mostConfirmed = 20;

const empty = (): Tally => ({
  runs: 0,
  good: 0,
  intact: 0,
  intactGood: 0,
  unexpected: [],
  wrong: [],
  reasons: {},
  done: false,
  residentMegabytes: 0,
});

const stretch = async (
  order: FuzzOrder,
  to: number,
  signal: AbortSignal | undefined,
): Promise<{ tally: Tally; crash?: string }> => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-fuzz-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const servers = stack.use(started('serve.ts'));
  servers.child.send(order);
  // safe: written by serve.ts
  const [{ ports, root }] = (await once(servers.child, 'message')) as [{ ports: number[]; root: string }];
  const probing = stack.use(started('probe.ts'));
  let tally = empty();
  probing.child.on('message', (message) => {
    // safe: written by probe.ts
    tally = message as Tally;
  });
  const stop = () => void probing.child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  const { kind, seed, from } = order;
  probing.child.send({ kind, seed, from, to, ports, root, folder } satisfies ProbeOrder);
  const [code, ended] = await once(probing.child, 'exit');
  signal?.removeEventListener('abort', stop);
  if (tally.done || signal?.aborted === true) return { tally };
  return { tally, crash: `after ${from + tally.runs} cases: ${code ?? ended}: ${probing.said()}` };
};

const started = (file: string) => {
  const child: ChildProcess = fork(beside(file), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said = (said + chunk).slice(-1_500);
  });
  return {
    child,
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
