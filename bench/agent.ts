import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startProgram } from '../test/servers/program.ts';
import type { Figure } from './figure.ts';
import { cpuSeconds } from './world.ts';

/** What the agents of a bench probe and push to. */
export type Around = {
  readonly folder: { readonly path: string; write(name: string, text: string): Promise<string> };
  readonly ports: { readonly http: number; readonly https: number; readonly tcp: number; readonly dns: number };
  readonly ca: string;
  readonly receiver: string;
};

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** The bars of an agent: what it holds and uses when it has next to nothing to do, and under 2,000 checks a minute. */
const bars = { idleMegabytes: 90, idleCpu: 0.01, loadMegabytes: 130, lagSeconds: 1 };
const checks = 2_000;
/** What one agent on one core is to carry: checks a minute, of which a quarter is HTTPS. */
const size = { checks: 10_000, cpu: 0.6, lagSeconds: 1, megabytes: 350 };
const seconds = { idle: 30, settle: 15, load: 75 };

/** The bundled agent, idle and loaded: resident memory, CPU, and how late runs start. Each figure is one long look. */
export const agentFigures = async (around: Around, wanted: (name: string) => boolean): Promise<Figure[]> => {
  // As it is installed: the launcher, and the bundle beside it.
  const bundle = `${around.folder.path}/bin/bothways`;
  await run(process.execPath, ['scripts/build.ts', `${around.folder.path}/dist/cli.cjs`], { cwd: root });
  await cp(`${root}/bin`, `${around.folder.path}/bin`, { recursive: true });
  await cp(`${root}/package.json`, `${around.folder.path}/package.json`);
  const figures: Figure[] = [];
  if (wanted('agent-idle')) figures.push(...(await idle(bundle, around)));
  if (wanted('agent-load')) figures.push(...(await load(bundle, around)));
  if (wanted('agent-size')) figures.push(...(await large(bundle, around)));
  return figures;
};

const idle = async (bundle: string, around: Around): Promise<Figure[]> => {
  await using agent = await start(bundle, around, [`https://localhost:${around.ports.https}/`]);
  await wait(seconds.settle * 1_000);
  const before = await cpuSeconds(agent.pid);
  await wait(seconds.idle * 1_000);
  const cpu = ((await cpuSeconds(agent.pid)) - before) / seconds.idle;
  const megabytes = await resident(agent.pid);
  return [
    figure('agent-idle-memory', megabytes, bars.idleMegabytes, `${megabytes.toFixed(0)} MB resident`),
    figure('agent-idle-cpu', cpu, bars.idleCpu, `${(cpu * 100).toFixed(2)} % of a core, one check a minute`),
  ];
};

const load = async (bundle: string, around: Around): Promise<Figure[]> => {
  const { http, https, tcp, dns } = around.ports;
  const kinds = [
    `https://localhost:${https}/`,
    `http://localhost:${http}/`,
    `tcp://localhost:${tcp}`,
    `dns://127.0.0.1:${dns}/bench.test`,
  ];
  const targets = Array.from({ length: checks }, (_, index) => kinds[index % kinds.length] ?? '');
  await using agent = await start(bundle, around, targets);
  const { megabytes, cpu, lag, good } = await look(agent, targets.length);
  return [
    figure('agent-load-memory', megabytes, bars.loadMegabytes, `${megabytes.toFixed(0)} MB resident, ${good} runs`),
    figure(
      'agent-load-lag',
      lag,
      bars.lagSeconds,
      `${(lag * 1_000).toFixed(0)} ms late at most, ${(cpu * 100).toFixed(1)} % of a core`,
    ),
  ];
};

const large = async (bundle: string, around: Around): Promise<Figure[]> => {
  const { http, https } = around.ports;
  const targets = Array.from({ length: size.checks }, (_, index) =>
    index % 4 === 0 ? `https://localhost:${https}/` : `http://localhost:${http}/`,
  );
  await using agent = await start(bundle, around, targets, ['taskset', '-c', '0']);
  const { megabytes, cpu, lag, good } = await look(agent, targets.length);
  const note = `${size.checks} checks a minute, a quarter HTTPS, ${good} runs`;
  return [
    figure('agent-size-cpu', cpu, size.cpu, `${(cpu * 100).toFixed(0)} % of the one core; ${note}`),
    figure('agent-size-lag', lag, size.lagSeconds, `${(lag * 1_000).toFixed(0)} ms late at most`),
    figure('agent-size-memory', megabytes, size.megabytes, `${megabytes.toFixed(0)} MB resident`),
  ];
};

/** What an agent uses and does in somewhat more than its interval. Throws when a run failed or was left out. */
const look = async (agent: { readonly pid: number; readonly port: number }, least: number) => {
  const before = await cpuSeconds(agent.pid);
  await wait(seconds.load * 1_000);
  const cpu = ((await cpuSeconds(agent.pid)) - before) / seconds.load;
  const megabytes = await resident(agent.pid);
  const metrics = await fetch(`http://127.0.0.1:${agent.port}/metrics`, {
    // An agent that does not answer is a figure too.
    signal: AbortSignal.timeout(10_000),
  }).then((answer) => answer.text());
  const value = (pattern: RegExp) => Number(pattern.exec(metrics)?.[1] ?? Number.NaN);
  const lag = value(/^bothways_runs_start_lag_max_seconds (\S+)$/m);
  const good = value(/^bothways_runs_total\{outcome="good"\} (\S+)$/m);
  const failed = value(/^bothways_runs_total\{outcome="failed"\} (\S+)$/m);
  const skipped = value(/^bothways_runs_skipped_total\{why="late"\} (\S+)$/m);
  if (failed > 0 || skipped > 0 || good < least) throw new Error(`${good} good, ${failed} failed, ${skipped} skipped`);
  return { megabytes, cpu, lag, good };
};

const figure = (bench: string, value: number, bar: number, note: string): Figure => ({
  bench,
  ratio: Number((value / bar).toFixed(4)),
  limit: 1,
  note,
});

const start = async (bundle: string, around: Around, targets: readonly string[], before: readonly string[] = []) => {
  // JSON is YAML.
  const list = await around.folder.write(
    `agent-${targets.length}.yml`,
    JSON.stringify({
      version: 1,
      vantages: { bench: { kind: 'agent' } },
      remote_write: [{ url: around.receiver }],
      defaults: { inside: { interval: '60s', timeout: '10s' } },
      targets: targets.map((target, index) => ({
        name: `t${index}`,
        target,
        instance: `${target}#${index}`,
        side: 'inside',
        ...(target.startsWith('https:') ? { http: { tls_config: { ca_file: around.ca } } } : {}),
      })),
    }),
  );
  const port = await freePort();
  const words = [...before, process.execPath, bundle, 'agent', '--config', list, '--listen', `127.0.0.1:${port}`];
  const [path = '', ...rest] = words;
  const program = await startProgram(path, rest, port);
  return { ...program, port };
};

/** Megabytes of a process that are in memory (proc(5), `VmRSS`). */
const resident = async (pid: number): Promise<number> =>
  (Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024) / 1e6;
