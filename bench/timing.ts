import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { type Figure, figureOf, quantile } from './figure.ts';
import type { Subject, Timed } from './subject-process.ts';
import type { Truth } from './truth-server.ts';

const probes = 64;
const spacingMs = 8;
const flagged = 0.006;
const wrong = 0.01;

/** The server that delays by known times, in a process of its own. */
export const startTruth = async (options: { key: string; cert: string; delayMs: number }) => {
  const child: ChildProcess = fork(fileURLToPath(new URL('truth-server.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.send(options);
  const [{ port }] = await once(child, 'message');
  return {
    port: Number(port),
    truths: async (): Promise<Truth[]> => {
      child.send('truths');
      const [truths] = await once(child, 'message');
      return truths;
    },
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
};

/** A running server of {@link startTruth}. */
export type TruthServer = Awaited<ReturnType<typeof startTruth>>;

/**
 * How wrong the phases of 64 HTTPS probes are, against what the server really waited: paced, ours and blackbox_exporter's;
 * and whether doubt finds the wrong ones of an unpaced burst without crying wolf when paced.
 */
export const compareTiming = async (
  subject: Subject,
  blackbox: string,
  server: TruthServer,
  rounds: number,
): Promise<Figure[]> => {
  const ratios: number[] = [];
  const notes: string[] = [];
  const quiet: number[] = [];
  const found: number[] = [];
  await ours(subject, server, spacingMs);
  for (let round = 0; round < rounds; round += 1) {
    const paced = await ours(subject, server, spacingMs);
    const theirs = await blackboxErrors(blackbox, server);
    const burst = await ours(subject, server, 0);
    const mine = quantile(
      paced.flatMap(({ errors }) => errors),
      0.95,
    );
    const other = quantile(theirs, 0.95);
    ratios.push(mine / Math.max(0.006, other + 0.003));
    notes.push(`${(mine * 1_000).toFixed(1)}/${(other * 1_000).toFixed(1)}`);
    quiet.push(paced.filter(({ doubt }) => doubt > flagged).length / paced.length);
    const bad = burst.filter(({ errors }) => errors.some((error) => error > wrong));
    if (bad.length > 0) found.push(bad.filter(({ doubt }) => doubt > flagged).length / bad.length);
  }
  return [
    figureOf(
      'timing-paced-p95',
      ratios,
      1,
      `p95 of the phase error in ms, ours/blackbox_exporter: ${notes.join(' ')}; ratio to max(6 ms, blackbox_exporter + 3 ms)`,
    ),
    figureOf('doubt-paced', quiet, 0.02, 'share of paced runs that doubt flags'),
    {
      ...figureOf('doubt-burst', found, 0.85, `share of the wrong runs of an unpaced burst that doubt flags`),
      atLeast: true,
    },
  ];
};

type Judged = { readonly errors: readonly number[]; readonly doubt: number };

const ours = async (subject: Subject, server: TruthServer, spacing: number): Promise<Judged[]> => {
  const timed = await subject.ask<Timed[]>({ do: 'time', name: 'truth', count: probes, spacingMs: spacing });
  const truths = await truthsById(server);
  return timed.map(({ id, phases, doubt }) => ({ errors: errorsOf(phases, truths.get(id)), doubt }));
};

const blackboxErrors = async (url: string, server: TruthServer): Promise<number[]> => {
  using agent = disposable(new Agent({ connections: probes }));
  const runs = await Promise.all(
    Array.from({ length: probes }, async (_, id) => {
      await wait(id * spacingMs);
      const target = encodeURIComponent(`https://localhost:${server.port}/${id}`);
      const { body } = await request(`${url}/probe?module=truth&target=${target}`, { dispatcher: agent.value });
      const phases = [...(await body.text()).matchAll(/^probe_http_duration_seconds\{phase="(\w+)"\} (\S+)$/gm)];
      return { id, phases: Object.fromEntries(phases.map(([, phase, value]) => [phase, Number(value)])) };
    }),
  );
  const truths = await truthsById(server);
  return runs.flatMap(({ id, phases }) => errorsOf(phases, truths.get(id)));
};

/** What the server really waited since the last time it was asked, by the probe's number. */
export const truthsById = async (server: TruthServer): Promise<Map<number, Truth>> =>
  new Map((await server.truths()).map((truth) => [truth.id, truth]));

/** Absolute errors of connect (truth: none on loopback), tls, processing and transfer. */
export const errorsOf = (phases: Readonly<Record<string, number>>, truth: Truth | undefined): number[] => {
  if (truth === undefined) throw new Error('a probe did not reach the server');
  return [
    Math.abs(phases.connect ?? Number.NaN),
    Math.abs((phases.tls ?? Number.NaN) - truth.tls),
    Math.abs((phases.processing ?? Number.NaN) - truth.processing),
    Math.abs((phases.transfer ?? Number.NaN) - truth.transfer),
  ];
};

const disposable = (value: Agent) => ({ value, [Symbol.dispose]: () => void value.destroy() });
