import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProbeOutcome } from '../src/net/icmp/engine.ts';
import { openEngine } from '../src/net/icmp/open-engine.ts';
import { tracePath } from '../src/net/icmp/trace-path.ts';

// The process under test in the lab: it pings or traces as standard input says, and prints what came of it and what it cost.

/** What the subject is asked to do. */
export type PingTask =
  | {
      readonly do: 'ping';
      readonly addresses: readonly string[];
      readonly count: number;
      readonly batch: number;
      readonly blockMs: number;
    }
  | { readonly do: 'trace'; readonly addresses: readonly string[]; readonly count: number }
  | { readonly do: 'soak'; readonly addresses: readonly string[]; readonly seconds: number }
  | { readonly do: 'idle'; readonly seconds: number };

/** What it says: CPU in seconds from the open engine on, round trips in seconds, hops of each path. */
export type PingAnswer = {
  readonly cpu: number;
  readonly asked: number;
  readonly rtts: readonly number[];
  readonly paths: readonly (readonly string[])[];
  /** What a soak left behind after its first half minute: megabytes and descriptors. */
  readonly grown: { readonly rssMb: number; readonly descriptors: number };
};

// safe: written by icmp.ts
const task = JSON.parse(await text(process.stdin)) as PingTask;
await using engine = await openEngine();

/** One packet a millisecond, handed over in batches as they are due. */
const ping = async (addresses: readonly string[], count: number, batch: number): Promise<number[]> => {
  const all: Promise<ProbeOutcome>[] = [];
  const startedAt = performance.now();
  const total = addresses.length * count;
  while (all.length < total) {
    for (let index = 0; index < batch && all.length < total; index += 1)
      all.push(
        engine.probe({
          address: addresses[all.length % addresses.length] ?? '',
          protocol: 'icmp',
          timeoutMs: 2_000,
          payloadBytes: 56,
        }),
      );
    const due = startedAt + all.length - performance.now();
    if (due > 0) await wait(due);
  }
  const outcomes = await Promise.all(all);
  return outcomes.flatMap((outcome) => (outcome.kind === 'reply' ? [outcome.rtt] : []));
};

const trace = (addresses: readonly string[], count: number) =>
  Promise.all(
    addresses.map(async (address, index) => {
      // Spread over the second, as a scheduler does it.
      await wait((index * 1_000) / addresses.length);
      const options = {
        address,
        protocol: 'icmp',
        count,
        intervalMs: 1_000,
        replyTimeoutMs: 1_000,
        finalTimeoutMs: 4_000,
        maxHops: 30,
        firstTtl: 1,
      } as const;
      const sleep = (seconds: number) => wait(seconds * 1_000);
      const { hops } = await tracePath(engine, options, { signal: new AbortController().signal, sleep });
      return hops;
    }),
  );

const grown = { rssMb: 0, descriptors: 0 };
const held = () => {
  globalThis.gc?.();
  return { rssMb: process.memoryUsage.rss() / 1e6, descriptors: readdirSync('/proc/self/fd').length };
};

/** A thousand packets a second; what is held is compared with what it was once all had found its size. */
const soak = async (addresses: readonly string[], seconds: number) => {
  const end = performance.now() + seconds * 1_000;
  let asked = 0;
  let answered = 0;
  let first: ReturnType<typeof held> | undefined;
  while (performance.now() < end) {
    answered += (await ping(addresses, 1, 10)).length;
    asked += addresses.length;
    if (first === undefined && asked >= 30_000) first = held();
  }
  const last = held();
  grown.rssMb = last.rssMb - (first?.rssMb ?? 0);
  grown.descriptors = last.descriptors - (first?.descriptors ?? 0);
  return { asked, rtts: new Array<number>(answered).fill(0), paths: [] };
};

const work = async (): Promise<Pick<PingAnswer, 'asked' | 'rtts' | 'paths'>> => {
  if (task.do === 'soak') return soak(task.addresses, task.seconds);
  if (task.do === 'idle') {
    await wait(task.seconds * 1_000);
    return { asked: 0, rtts: [], paths: [] };
  }
  if (task.do === 'trace') {
    const found = await trace(task.addresses, task.count);
    const rtts = found.flatMap((hops) => hops.flatMap(({ answers }) => answers.map(({ rtt }) => rtt)));
    const paths = found.map((hops) => hops.map(({ answers, found: first }) => answers[0]?.from ?? first ?? '*'));
    return { asked: found.flat().reduce((sum, { sent }) => sum + sent, 0), rtts, paths };
  }
  const { blockMs } = task;
  const blocker =
    blockMs === 0
      ? undefined
      : setInterval(() => {
          const end = performance.now() + blockMs;
          while (performance.now() < end);
        }, 250);
  const rtts = await ping(task.addresses, task.count, task.batch);
  clearInterval(blocker);
  return { asked: task.addresses.length * task.count, rtts, paths: [] };
};

// V8 goes on optimising for some thousand packets; an agent has long done so.
if (task.do === 'ping') await ping(task.addresses, 5, 10);
const before = process.cpuUsage();
const done = await work();
const { user, system } = process.cpuUsage(before);
const answer: PingAnswer = { cpu: (user + system) / 1e6, grown, ...done };
console.log(JSON.stringify(answer));
