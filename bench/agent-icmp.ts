import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { addresses, type Lab } from '../test/lab/lab.ts';
import { peer } from '../test/servers/peers.ts';
import { type Figure, figureOf } from './figure.ts';
import { cpuSeconds } from './world.ts';

/** Pings a second and paths of the agents of this bench, and their bars: CPU against fping and against as many mtr processes. */
const ping = { targets: 500, rounds: 5, seconds: 10, bar: 3.5 };
const fast = { targets: 1_000, seconds: 60 };
const path = { targets: 100, rounds: 3, seconds: 30, count: 10, bar: 0.2 };
/** V8 goes on optimising for some ten thousand runs; an agent has long done so. */
const settleSeconds = 60;

const launcher = fileURLToPath(new URL('../bin/bothways', import.meta.url));

/**
 * Whole agents in the lab, without a privilege, that push to a receiver beside them. Both programs of a ratio run at the same time
 * for the same packets, so that what else loads the machine loads both.
 */
export const agentIcmpFigures = async (lab: Lab, wanted: (name: string) => boolean): Promise<Figure[]> => {
  const figures: Figure[] = [];
  if (wanted('agent-ping')) figures.push(await pingFigure(lab), ...(await fastFigures(lab)));
  if (wanted('agent-mtr')) figures.push(await pathFigure(lab));
  return figures;
};

const pingList = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    target: `icmp://${addresses.peer(4, index + 1)}`,
    interval: '1s',
    timeout: '900ms',
  }));

const pingFigure = async (lab: Lab): Promise<Figure> => {
  const program = await programOf('fping');
  const list = Array.from({ length: ping.targets }, (_, index) => addresses.peer(4, index + 1)).join('\n');
  await using agent = await startAgent(lab, pingList(ping.targets));
  await wait(settleSeconds * 1_000);
  const ratios: number[] = [];
  for (let round = 0; round < ping.rounds; round += 1) {
    const before = await agent.look();
    const words = ['-q', '-i', '2', '-p', '1000', '-C', String(ping.seconds), '-t', '900'];
    const theirs = cpuOf(await timed(lab, [program, ...words], list)) / (ping.targets * ping.seconds);
    const after = await agent.look();
    ratios.push((after.cpu - before.cpu) / (after.good - before.good) / theirs);
    report(after);
  }
  return figureOf(
    'agent-ping-cpu',
    ratios,
    ping.bar,
    `of fping's CPU a ping, ${ping.targets} pings a second, samples and push included`,
  );
};

const fastFigures = async (lab: Lab): Promise<Figure[]> => {
  await using agent = await startAgent(lab, pingList(fast.targets));
  await wait(settleSeconds * 1_000);
  const before = await agent.look();
  await wait(fast.seconds * 1_000);
  const after = await agent.look();
  const runs = after.good - before.good;
  const cpu = (after.cpu - before.cpu) / fast.seconds;
  const note = `of ${runs} runs, ${fast.targets} pings a second in one agent at ${(cpu * 100).toFixed(0)} % of a core`;
  return [
    { bench: 'agent-ping-skipped', ratio: after.skipped - before.skipped, limit: 0, note },
    { bench: 'agent-ping-failed', ratio: after.failed - before.failed, limit: 0, note },
  ];
};

const pathFigure = async (lab: Lab): Promise<Figure> => {
  const program = await programOf('mtr');
  const list = Array.from({ length: path.targets }, (_, index) => addresses.target(4, index + 1));
  const targets = list.map((address) => ({ target: `mtr://${address}`, interval: `${path.seconds}s`, timeout: '28s' }));
  await using agent = await startAgent(lab, targets);
  await wait(1.5 * path.seconds * 1_000);
  const ratios: number[] = [];
  for (let round = 0; round < path.rounds; round += 1) {
    const before = await agent.look();
    const nextRound = wait(path.seconds * 1_000);
    const script = `for one in ${list.join(' ')}; do "$0" --json -n -c ${path.count} "$one" >/dev/null & done; wait`;
    const theirs = cpuOf(await timed(lab, ['sh', '-c', script, program])) / path.targets;
    await nextRound;
    const after = await agent.look();
    ratios.push((after.cpu - before.cpu) / (after.good - before.good) / theirs);
    report(after);
  }
  return figureOf(
    'agent-mtr-cpu',
    ratios,
    path.bar,
    `of the CPU of mtr processes a path, ${path.targets} paths every ${path.seconds} s, samples and push included`,
  );
};

const report = ({ failed, skipped }: Look) => {
  if (failed > 0 || skipped > 0) console.error(`agent: ${failed} runs failed, ${skipped} were skipped`);
};

const programOf = async (name: 'fping' | 'mtr'): Promise<string> => {
  const found = await peer(name);
  if (found.missing !== undefined) throw new Error(found.missing);
  return found.path;
};

/** Runs a program to its end; prints last what the shell's `times` says of its children. */
const timed = async (lab: Lab, words: readonly string[], input = ''): Promise<string> => {
  const said = await lab.feed('src', ['sh', '-c', '"$@" >/dev/null 2>&1; times', 'sh', ...words], input);
  return said.stdout;
};

/** The last line of the shell's `times`: user and system seconds of what it has run. */
const cpuOf = (output: string): number => {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  return [...last.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
};

type Look = { readonly cpu: number; readonly good: number; readonly failed: number; readonly skipped: number };

/** What an agent and the receiver beside it are started by: the list comes by standard input, each further line asks for its metrics. */
const keeper = `
const http = require('node:http'), fs = require('node:fs'), os = require('node:os'), path = require('node:path');
const { spawn } = require('node:child_process');
const receiver = http.createServer((q, a) => q.resume().on('end', () => a.writeHead(204).end())).listen(0, '127.0.0.1');
const lines = require('node:readline').createInterface({ input: process.stdin });
const [launcher] = process.argv.slice(1);
let folder, agent;
lines.on('line', async (line) => {
  if (agent === undefined) {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bothways-bench-'));
    const list = { ...JSON.parse(line), remote_write: [{ url: 'http://127.0.0.1:' + receiver.address().port + '/' }] };
    fs.writeFileSync(path.join(folder, 'list.yml'), JSON.stringify(list));
    const words = [launcher, 'agent', '--config', path.join(folder, 'list.yml'), '--listen', '127.0.0.1:9115'];
    agent = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'ignore'] });
    console.log(JSON.stringify({ pid: agent.pid }));
    return;
  }
  console.log(JSON.stringify(await fetch('http://127.0.0.1:9115/metrics').then((answer) => answer.text())));
});
lines.on('close', () => {
  agent?.once('exit', () => { if (folder) fs.rmSync(folder, { recursive: true }); process.exit(); });
  agent?.kill();
});
`;

const startAgent = async (lab: Lab, targets: readonly Readonly<Record<string, string>>[]) => {
  const list = {
    version: 1,
    vantages: { lab: { kind: 'agent' } },
    targets: targets.map((target, index) => ({ name: `t${index}`, side: 'inside', ...target })),
  };
  const [program = '', ...rest] = lab.words('src', [process.execPath, '-e', keeper, launcher], true);
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string) => {
    child.stdin.write(`${line}\n`);
    const { value } = await lines.next();
    return JSON.parse(value ?? 'null');
  };
  const { pid } = await ask(JSON.stringify(list));
  const look = async (): Promise<Look> => {
    const cpu = await cpuSeconds(pid);
    const metrics: string = await ask('');
    const value = (pattern: RegExp) => Number(pattern.exec(metrics)?.[1] ?? Number.NaN);
    return {
      cpu,
      good: value(/^bothways_runs_total\{outcome="good"\} (\S+)$/m),
      failed: value(/^bothways_runs_total\{outcome="failed"\} (\S+)$/m),
      skipped:
        value(/^bothways_runs_skipped_total\{why="late"\} (\S+)$/m) +
        value(/^bothways_runs_skipped_total\{why="overlap"\} (\S+)$/m),
    };
  };
  return {
    look,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
};
