import { Agent, request } from 'undici';
import type { Program } from '../test/servers/program.ts';
import { type Figure, figureOf } from './figure.ts';
import type { Subject } from './subject-process.ts';
import { cpuSeconds } from './world.ts';

/** A kind of probe to compare: the check's name in our list, blackbox_exporter's module and target, and the bar. */
export type Kind = {
  readonly name: string;
  readonly module: string;
  readonly target: string;
  readonly limit: number;
  readonly probes: number;
};

const concurrency = 16;

/** Slices that are not counted: V8 goes on optimising for some ten thousand probes, and an agent lives for months. */
const warmUps = { ours: 15, theirs: 3 };

/**
 * CPU of our whole process over CPU of blackbox_exporter's, for the same probes, round by round, both warm. Ours holds samples,
 * encoding and push; blackbox_exporter's holds rendering and serving its metrics.
 */
export const compareCpu = async (
  kind: Kind,
  subject: Subject,
  peer: Program & { readonly url: string },
  rounds: number,
): Promise<Figure> => {
  using agent = disposable(new Agent({ connections: concurrency, pipelining: 1 }));
  const ours = () =>
    measure(
      subject.pid,
      async () => void (await subject.ask({ do: 'burn', name: kind.name, count: kind.probes, concurrency })),
    );
  const theirs = () => measure(peer.pid, () => scrapeAll(kind, peer.url, agent.value));
  for (let slice = 0; slice < warmUps.ours; slice += 1) await ours();
  for (let slice = 0; slice < warmUps.theirs; slice += 1) await theirs();
  const ratios: number[] = [];
  const absolute: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [first, second] = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const [a, b] = [await first(), await second()];
    const [mine, other] = round % 2 === 0 ? [a, b] : [b, a];
    ratios.push(mine / other);
    absolute.push((mine / kind.probes) * 1_000);
  }
  return figureOf(
    `cpu-${kind.name}`,
    ratios,
    kind.limit,
    `${Math.min(...absolute).toFixed(2)}-${Math.max(...absolute).toFixed(2)} ms a probe`,
  );
};

const measure = async (pid: number, work: () => Promise<void>): Promise<number> => {
  const before = await cpuSeconds(pid);
  await work();
  return (await cpuSeconds(pid)) - before;
};

const scrapeAll = async (kind: Kind, url: string, dispatcher: Agent): Promise<void> => {
  const query = `${url}/probe?module=${kind.module}&target=${encodeURIComponent(kind.target)}`;
  let left = kind.probes;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const { body } = await request(query, { dispatcher });
      const text = await body.text();
      if (!text.includes('probe_success 1'))
        throw new Error(`blackbox_exporter failed at ${kind.name}: ${text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
};

const disposable = (value: Agent) => ({ value, [Symbol.dispose]: () => void value.destroy() });
