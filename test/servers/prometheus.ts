import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, startProgram } from './program.ts';

/** One series of a query's answer, with its value. `labels` are all of them, the name included. */
export type Answered = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

/** A real Prometheus that takes remote writes, with a data folder of its own. */
export type Prometheus = AsyncDisposable & {
  readonly url: string;
  readonly writeUrl: string;
  /** An instant query; rejects with what Prometheus objects to. `at` in milliseconds, now if not set. */
  readonly query: (promql: string, at?: number) => Promise<Answered[]>;
};

/** Starts the Prometheus at `path` and waits until it is ready. */
export const prometheus = async (path: string): Promise<Prometheus> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, 'global: {}\n');
  const port = await freePort();
  const flags = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    '--log.level=warn',
  ];
  const program = await startProgram(path, flags, port);
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/-/ready`)).ok) await wait(20);
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

/** Asks an instant query of whoever speaks Prometheus's HTTP API at `url`. */
export const queryOf =
  (url: string): Prometheus['query'] =>
  async (promql, at) => {
    const time = at === undefined ? '' : `&time=${at / 1_000}`;
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(promql)}${time}`);
    // safe: the shape of Prometheus's HTTP API for instant vectors
    const { data, error } = (await response.json()) as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
      error?: string;
    };
    if (data === undefined) throw new Error(error);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
