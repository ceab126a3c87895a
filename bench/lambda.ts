import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadValue } from '../src/config/load.ts';
import { packList } from '../src/config/packed.ts';
import { probers } from '../src/probers/index.ts';
import { cpuQuota } from '../test/servers/cpu-quota.ts';
import { type Push, receiver } from '../test/servers/receiver.ts';
import { runFunction } from '../test/servers/runtime-api.ts';
import type { Around } from './agent.ts';
import { type Figure, figureOf, quantile } from './figure.ts';
import { errorsOf, type TruthServer, truthsById } from './timing.ts';
import { cpuSeconds } from './world.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** The bars of the probe function: bytes of its bundle, CPU from start to ready against a handler that does nothing. */
const bars = { bytes: 800_000, start: 4.5 };

/** A function of 512 MB has this share of a core; its bars for 100 HTTPS targets. */
const small = { megabytes: 512, targets: 100, errorSeconds: 0.01, runSeconds: 15 };

/**
 * 100 HTTPS targets at the CPU share of 512 MB, warm: how wrong the phases are at p95, and how long the whole run takes. No figures
 * where no quota can be set.
 */
export const smallFunctionFigures = async (
  { folder }: Pick<Around, 'folder'>,
  server: TruthServer,
  ca: string,
  rounds: number,
): Promise<Figure[]> => {
  const quota = await cpuQuota(small.megabytes / 1_769);
  if (typeof quota === 'string') {
    console.error(`lambda-512: ${quota}`);
    return [];
  }
  await using group = quota;
  await using push = await receiver();
  const place = `${folder.path}/function`;
  await run(process.execPath, ['scripts/build-functions.ts', place], { cwd: root });
  const urls = Array.from({ length: small.targets }, (_, index) => `https://localhost:${server.port}/${index}`);
  const environment = {
    BOTHWAYS_LIST: await packedList(folder, urls, push.url, {
      preferred_ip_protocol: 'ip4',
      tls_config: { ca_file: ca },
    }),
    AWS_REGION: 'eu-west-1',
  };
  await using running = await runFunction(place, 'probe.handler', environment);
  await running.ready();
  await group.take(running.pid);
  const errors: number[] = [];
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const seen = push.pushes.length;
    const event = { slot: new Date().toISOString(), window: 60, id: `round-${round}` };
    const { body } = await running.invoke(event, 50_000);
    if (body.good !== small.targets) throw new Error(JSON.stringify(body));
    const truths = await truthsById(server);
    // The first is the cold one.
    if (round === 0) continue;
    const phases = phasesById(push.pushes.slice(seen));
    const all = [...phases].flatMap(([id, one]) => errorsOf(one, truths.get(id)));
    errors.push(quantile(all, 0.95));
    times.push(Number(body.ms) / 1_000);
  }
  const shown = errors.map((error) => (error * 1_000).toFixed(1)).join(' ');
  return [
    figureOf(
      'lambda-512-timing',
      errors.map((error) => error / small.errorSeconds),
      1,
      `p95 of the phase error in ms: ${shown}`,
    ),
    figureOf(
      'lambda-512-run',
      times.map((time) => time / small.runSeconds),
      1,
      `${Math.max(...times).toFixed(1)} s at most`,
    ),
  ];
};

const phasesById = (pushes: readonly Push[]): ReadonlyMap<number, Record<string, number>> => {
  const found = new Map<number, Record<string, number>>();
  for (const { labels, value } of pushes.flatMap(({ series }) => series)) {
    const { __name__: name, instance = '', phase } = labels;
    if (name !== 'probe_http_duration_seconds' || phase === undefined) continue;
    const id = Number(/\d+$/.exec(instance)?.[0]);
    found.set(id, { ...found.get(id), [phase]: value });
  }
  return found;
};

/** The bundled probe function under the Runtime API: how large it is, and what its cold start costs. */
export const lambdaFigures = async ({ folder, ports, receiver: sink }: Around, rounds: number): Promise<Figure[]> => {
  const place = `${folder.path}/function`;
  await run(process.execPath, ['scripts/build-functions.ts', place], { cwd: root });
  const names = (await readdir(place)).filter((name) => name.endsWith('.mjs'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(`${place}/${name}`)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  await folder.write('empty.mjs', 'export const handler = async () => ({});\n');
  const environment = {
    BOTHWAYS_LIST: await packedList(
      folder,
      Array.from({ length: 100 }, (_, index) => `http://localhost:${ports.http}/${index}`),
      sink,
    ),
    AWS_REGION: 'eu-west-1',
  };
  const ratios: number[] = [];
  const costs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const empty = await startCost(folder.path, 'empty.handler', {});
    const ours = await startCost(place, 'probe.handler', environment);
    ratios.push(ours / empty);
    costs.push(ours * 1_000);
  }
  const spread = `${Math.min(...costs).toFixed(0)}-${Math.max(...costs).toFixed(0)} ms CPU from start to ready`;
  return [
    { bench: 'lambda-bundle', ratio: Number((bytes / bars.bytes).toFixed(4)), limit: 1, note: `${bytes} bytes` },
    figureOf('lambda-start', ratios, bars.start, spread),
  ];
};

const startCost = async (folder: string, handler: string, environment: Record<string, string>): Promise<number> => {
  await using running = await runFunction(folder, handler, environment);
  await running.ready();
  // The scheduler's books may lag behind a process that has not paused yet.
  for (;;) {
    const cost = await cpuSeconds(running.pid);
    if (cost > 0) return cost;
  }
};

const packedList = async (
  folder: Around['folder'],
  urls: readonly string[],
  url: string,
  http: object = {},
): Promise<string> => {
  const vpc = { subnet_ids: ['subnet-1'], security_group_ids: ['sg-1'] };
  const loaded = loadValue(
    {
      version: 1,
      vantages: { 'eu-west-1': { kind: 'lambda', private: 'allow', vpc } },
      remote_write: [{ url }],
      modules: { bench: { prober: 'http', http } },
      targets: urls.map((target, index) => ({ name: `t${index}`, target, module: 'bench', side: 'outside' })),
    },
    { probers },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return folder.write(
    `packed-${urls[0]?.startsWith('https')}.json`,
    packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} }),
  );
};
