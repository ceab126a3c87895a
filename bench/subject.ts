import { setTimeout as wait } from 'node:timers/promises';
import { load } from '../src/config/load.ts';
import { push } from '../src/delivery/push.ts';
import type { Check } from '../src/kernel/check.ts';
import type { Run } from '../src/kernel/run.ts';
import { kit } from '../src/net/kit.ts';
import { marks } from '../src/net/marks.ts';
import type { Prober } from '../src/net/prober.ts';
import { probers } from '../src/probers/index.ts';
import { compress } from '../src/protocol/snappy.ts';
import { writeRequest } from '../src/protocol/write-request.ts';
import { execute } from '../src/run/execute.ts';
import { type SeriesTable, samplesOf, seriesTable } from '../src/run/samples.ts';
import type { Ask, Timed } from './subject-process.ts';

// The process under test: our own modules from the list to the push, told over IPC what to do.

const clock = marks();
const table: Readonly<Record<string, Prober>> = probers;
const own = kit();
const tables = new Map<string, SeriesTable>();

type Opened = { readonly checks: ReadonlyMap<string, Check>; readonly delivery: ReturnType<typeof push> };
let opened: Opened | undefined;

const open = async (path: string): Promise<void> => {
  const loaded = await load([path], { probers: table });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { checks, endpoints } = loaded.compiled;
  const [endpoint] = endpoints;
  if (endpoint === undefined) throw new Error('the list has no endpoint');
  opened = {
    checks: new Map(checks.map((check) => [check.target.name, check])),
    delivery: push(endpoint, 'bench', own),
  };
};

const known = (name: string): { check: Check; prober: Prober; series: SeriesTable; delivery: Opened['delivery'] } => {
  const check = opened?.checks.get(name);
  const prober = table[check?.module.prober ?? ''];
  if (opened === undefined || check === undefined || prober === undefined) throw new Error(`no check ${name}`);
  const series = tables.get(name) ?? seriesTable(check);
  tables.set(name, series);
  return { check, prober, series, delivery: opened.delivery };
};

const burn = async (name: string, count: number, concurrency: number): Promise<void> => {
  const { check, prober, series, delivery } = known(name);
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const run = await execute(check, prober, own, { clock });
      if (run.outcome.failures.length > 0) throw new Error(`${name}: ${JSON.stringify(run.outcome.failures)}`);
      delivery.add(samplesOf(run, prober, series));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const counts = await delivery.flush(AbortSignal.timeout(10_000));
  if (counts.waiting > 0) throw new Error(`not delivered: ${JSON.stringify(counts)}`);
};

const time = async (name: string, count: number, spacingMs: number): Promise<Timed[]> => {
  const { check, prober, series } = known(name);
  return Promise.all(
    Array.from({ length: count }, async (_, id) => {
      if (spacingMs > 0) await wait(id * spacingMs);
      const one = { ...check, target: { ...check.target, address: `${check.target.address}${id}` } };
      const run = await execute(one, prober, own, { clock });
      if (run.outcome.failures.length > 0) throw new Error(`${name}: ${JSON.stringify(run.outcome.failures)}`);
      return { id, phases: phasesOf(run, prober, series), doubt: run.doubt };
    }),
  );
};

const phasesOf = (run: Run, prober: Prober, series: SeriesTable): Record<string, number> => {
  const phases: Record<string, number> = {};
  for (const { series: one, value } of samplesOf(run, prober, series)) {
    const phase = one.labels.find(([label]) => label === 'phase')?.[1];
    if (one.metric.name === 'probe_http_duration_seconds' && phase !== undefined) phases[phase] = Number(value);
  }
  return phases;
};

/** CPU microseconds per probe of samples, encoding and compression, for the samples of one real run. */
const samples = async (
  name: string,
  count: number,
  batch: number,
): Promise<{ perProbeUs: number; samplesPerProbe: number }> => {
  const { check, prober, series } = known(name);
  const run = await execute(check, prober, own, { clock });
  const once = () => {
    const all = Array.from({ length: batch }, (_, index) =>
      samplesOf({ ...run, startedAt: run.startedAt + index }, prober, series),
    ).flat();
    return compress(writeRequest(all)).length;
  };
  for (let warm = 0; warm < 200; warm += 1) once();
  const before = process.cpuUsage();
  for (let round = 0; round < count; round += 1) once();
  const { user, system } = process.cpuUsage(before);
  return { perProbeUs: (user + system) / count / batch, samplesPerProbe: samplesOf(run, prober, series).length };
};

const obey = (ask: Ask): Promise<unknown> => {
  switch (ask.do) {
    case 'open':
      return open(ask.list);
    case 'burn':
      return burn(ask.name, ask.count, ask.concurrency);
    case 'time':
      return time(ask.name, ask.count, ask.spacingMs);
    case 'samples':
      return samples(ask.name, ask.count, ask.batch);
  }
};

process.on('message', async (ask: Ask) => {
  try {
    process.send?.({ result: await obey(ask) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
