import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProgram } from './program.ts';
import { type Prometheus, queryOf } from './prometheus.ts';

/** Starts the VictoriaMetrics at `path`, which takes remote writes; its queries are MetricsQL. */
export const victoriaMetrics = async (path: string): Promise<Prometheus> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-victoria-'));
  const port = await freePort();
  const flags = [
    `-storageDataPath=${folder}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-search.latencyOffset=0s',
    '-loggerLevel=ERROR',
  ];
  const program = await startProgram(path, [...flags, '-inmemoryDataFlushInterval=1s'], port);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    writeUrl: `${url}/api/v1/write`,
    query: queryOf(url),
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
};
