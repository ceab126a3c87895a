import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadValue } from '../src/config/load.ts';
import { packList } from '../src/config/packed.ts';
import { probers } from '../src/probers/index.ts';
import { runFunction } from '../test/servers/runtime-api.ts';
import type { Around } from './agent.ts';
import { type Figure, figureOf } from './figure.ts';
import { cpuSeconds } from './world.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** The bars of the probe function: bytes of its bundle, CPU from start to ready against a handler that does nothing. */
const bars = { bytes: 800_000, start: 4.5 };

/** The bundled probe function under the Runtime API: how large it is, and what its cold start costs. */
export const lambdaFigures = async ({ folder, ports, receiver }: Around, rounds: number): Promise<Figure[]> => {
  const place = `${folder.path}/function`;
  await run(process.execPath, ['scripts/build-functions.ts', place], { cwd: root });
  const names = (await readdir(place)).filter((name) => name.endsWith('.mjs'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(`${place}/${name}`)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  await folder.write('empty.mjs', 'export const handler = async () => ({});\n');
  const environment = { BOTHWAYS_LIST: await packedList(folder, ports.http, receiver), AWS_REGION: 'eu-west-1' };
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
  return cpuSeconds(running.pid);
};

const packedList = async (folder: Around['folder'], port: number, url: string): Promise<string> => {
  const loaded = loadValue(
    {
      version: 1,
      vantages: {
        'eu-west-1': { kind: 'lambda', private: 'allow', vpc: { subnet_ids: ['s'], security_group_ids: ['g'] } },
      },
      remote_write: [{ url }],
      targets: Array.from({ length: 100 }, (_, index) => ({
        name: `t${index}`,
        target: `http://localhost:${port}/${index}`,
        side: 'outside',
      })),
    },
    { probers },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return folder.write('packed.json', packList(loaded.compiled, loaded.literals));
};
