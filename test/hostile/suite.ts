import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { badHosts, type Lab, noLab, openLab } from '../lab/lab.ts';
import type { BatchOrder, BatchResult } from './batch.ts';
import { type Baseline, doubtMs, type Judged, judgePeer, problemsOf } from './judge.ts';
import type { HostilePeer } from './peer.ts';
import { peerNamed } from './table.ts';

/** How to run peers: the program under test, blackbox_exporter if it is to be asked too, seconds and size of a batch. */
export type SuiteOptions = {
  readonly program: readonly string[];
  readonly blackbox?: string;
  readonly seconds: number;
  readonly size: number;
  /** Peers of the table that load the machine are run beside the canary alone. */
  readonly separately: boolean;
  readonly signal?: AbortSignal;
};

/** One batch, judged. `problems` are those that no verdict shows; `skipped` says why it was not run. */
export type BatchReport = {
  readonly result: BatchResult;
  readonly judged: readonly Judged[];
  readonly problems: readonly string[];
  readonly skipped?: string;
};

const file = fileURLToPath(new URL('batch-process.ts', import.meta.url));

/** Runs a batch in a process of its own, in a place of the lab if there is one. Rejects when the process fails or is stopped. */
const batchIn = async (order: BatchOrder, lab: Lab | undefined, signal?: AbortSignal): Promise<BatchResult> => {
  const words = [process.execPath, file];
  const [program = '', ...rest] = lab === undefined ? words : lab.words('src', words);
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  child.stdin.end(JSON.stringify(order));
  const [said, [code, ended]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  signal?.removeEventListener('abort', stop);
  if (code !== 0) throw new Error(`a batch of ${order.names.join(', ')} ended with ${code ?? ended}`);
  // safe: written by batch-process.ts
  return JSON.parse(said) as BatchResult;
};

/** The agent with the canary alone. */
export const baselineOf = async ({
  program,
  seconds,
  signal,
}: SuiteOptions): Promise<Baseline & { result: BatchResult }> => {
  const result = await batchIn({ names: [], seconds, program }, undefined, signal);
  const { heldMs, lateMs, peakMegabytes } = result;
  return { heldMs, lateMs, peakMegabytes, doubtMs: doubtMs(result), result };
};

/** Peers in groups as they are run: those of the lab together, heavy ones alone, others by size, in the order of the table. */
export const batchesOf = (
  peers: readonly HostilePeer[],
  { size, separately }: Pick<SuiteOptions, 'size' | 'separately'>,
): HostilePeer[][] => {
  const isHeavy = (peer: HostilePeer) => separately && peer.alone === true;
  const light = peers.filter((peer) => peer.manners === undefined && !isHeavy(peer));
  const lab = peers.filter(({ manners }) => manners !== undefined);
  const groups: HostilePeer[][] = [];
  for (let at = 0; at < light.length; at += size) groups.push(light.slice(at, at + size));
  if (lab.length > 0) groups.push(lab);
  return [...groups, ...peers.filter(isHeavy).map((peer) => [peer])];
};

/**
 * Runs one group and judges it. When something is wrong it runs once more and the second run counts, unless the agent has ended: other
 * processes of the machine disturb once, a hostile peer each time.
 */
export const runGroup = async (
  group: readonly HostilePeer[],
  baseline: Baseline,
  options: SuiteOptions,
): Promise<BatchReport> => {
  const first = await runOnce(group, baseline, options);
  const isWell = first.problems.length === 0 && first.judged.every(({ ok }) => ok);
  return isWell || first.result.exit !== undefined ? first : await runOnce(group, baseline, options);
};

const runOnce = async (
  group: readonly HostilePeer[],
  baseline: Baseline,
  options: SuiteOptions,
): Promise<BatchReport> => {
  const names = group.map(({ name }) => name);
  const [result, skipped] = await attempt(names, options);
  if (result === undefined) return { result: emptyResult(names), judged: [], problems: [], skipped };
  return { result, judged: group.map((peer) => judgePeer(peer, result)), problems: problemsOf(result, baseline) };
};

/** Whose doing the problems of a batch are: its peers that show one when they are run alone, for a short time. */
export const blamedFor = async (
  { result, problems }: BatchReport,
  baseline: Baseline,
  { blackbox: _, ...options }: SuiteOptions,
): Promise<readonly string[]> => {
  if (problems.length === 0) return [];
  if (result.names.length === 1) return result.names;
  const blamed: string[] = [];
  for (const name of result.names) {
    const [alone] = await attempt([name], { ...options, seconds: Math.min(options.seconds, 3) });
    if (alone !== undefined && problemsOf(alone, baseline).length > 0) blamed.push(name);
  }
  return blamed;
};

const attempt = async (
  names: readonly string[],
  { program, seconds, blackbox, signal }: SuiteOptions,
): Promise<readonly [BatchResult, undefined] | readonly [undefined, string]> => {
  const order = { names, seconds, program, ...(blackbox === undefined ? {} : { blackbox }) };
  const manners = Object.fromEntries(
    names.flatMap((name, index) => {
      const { manners: of } = peerNamed(name);
      return of === undefined ? [] : [[index + 2, of] as const];
    }),
  );
  if (Object.keys(manners).length === 0) return [await batchIn(order, undefined, signal), undefined];
  const reason = noLab();
  if (reason !== undefined) return [undefined, reason];
  const opened = await openLab();
  if (typeof opened === 'string') return [undefined, opened];
  await using lab = opened;
  await using hostsUp = await badHosts(lab, manners);
  void hostsUp;
  const hosts = Object.fromEntries(names.map((name, index) => [name, `10.97.0.${index + 2}`]));
  return [await batchIn({ ...order, hosts }, lab, signal), undefined];
};

const emptyResult = (names: readonly string[]): BatchResult => ({
  names,
  runs: {},
  canary: { runs: [], expected: 0 },
  heldMs: 0,
  lateMs: 0,
  peakMegabytes: 0,
  skipped: 0,
  escaped: 0,
  said: '',
  blackbox: {},
});
