import { fileURLToPath } from 'node:url';
import { addresses, type Lab, openLab } from '../test/lab/lab.ts';
import { peer } from '../test/servers/peers.ts';
import { agentIcmpFigures } from './agent-icmp.ts';
import { type Figure, figureOf, median, quantile } from './figure.ts';
import type { PingAnswer, PingTask } from './ping-subject.ts';

const subjectFile = fileURLToPath(new URL('ping-subject.ts', import.meta.url));

/** As many targets as pings are sent to in a second, and pings of each. */
const load = { targets: 1_000, count: 10 };
const pathLoad = { targets: 100, count: 10 };
const bars = { batch: 1, single: 1.6, mtr: 0.2, rtt: 1, spreadSeconds: 50e-6, blockedSeconds: 100e-6, idle: 1 };

/**
 * Pings against fping and paths against as many mtr processes, in a lab of namespaces, by nobody who may nothing: CPU, round trips,
 * answers, and hop lists. No figures where there can be no lab.
 */
export const icmpFigures = async (
  wanted: (name: string) => boolean,
  rounds: number,
  isSoak: boolean,
): Promise<Figure[]> => {
  const opened = await openLab();
  if (typeof opened === 'string') {
    console.error(`icmp: ${opened}`);
    return [];
  }
  await using lab = opened;
  const figures: Figure[] = [];
  if (wanted('ping')) figures.push(...(await pingFigures(lab, rounds)));
  if (wanted('mtr')) figures.push(...(await pathFigures(lab)));
  if (wanted('icmp-idle')) figures.push(await idleFigure(lab));
  if (wanted('icmp-agent')) figures.push(...(await agentFigures(lab)));
  figures.push(...(await agentIcmpFigures(lab, wanted)));
  if (isSoak) figures.push(...(await soakFigures(lab)));
  return figures;
};

const ask = async (lab: Lab, task: PingTask): Promise<PingAnswer> => {
  // Held as small as the launcher holds an agent (decision 009).
  const small = [
    'env',
    'MALLOC_ARENA_MAX=1',
    process.execPath,
    '--expose-gc',
    '--max-semi-space-size=2',
    '--v8-pool-size=1',
  ];
  const node = task.do === 'soak' ? small : [process.execPath];
  const said = await lab.feed('src', [...node, subjectFile], JSON.stringify(task), true);
  if (said.code !== 0) throw new Error(said.stderr);
  // safe: ping-subject.ts prints it
  return JSON.parse(said.stdout) as PingAnswer;
};

const targets = Array.from({ length: load.targets }, (_, index) => addresses.peer(4, index + 1));

/** fping's round trips in seconds, and what it used of a core. */
const fping = async (lab: Lab, path: string): Promise<{ readonly cpu: number; readonly rtts: readonly number[] }> => {
  const words = ['-q', '-i', '1', '-p', '1000', '-C', String(load.count), '-t', '2000'];
  const script = `"$@" 2>&1 >/dev/null; times`;
  const said = await lab.feed('src', ['sh', '-c', script, 'sh', path, ...words], targets.join('\n'));
  const rtts = [...said.stdout.matchAll(/ : (.*)$/gm)].flatMap(([, list = '']) =>
    list
      .split(' ')
      .filter((rtt) => rtt !== '-')
      .map((rtt) => Number(rtt) / 1_000),
  );
  return { cpu: childCpu(said.stdout), rtts };
};

/** The last line of the shell's `times`: user and system time of what it has run. */
const childCpu = (output: string): number => {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  return [...last.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
};

const pingFigures = async (lab: Lab, rounds: number): Promise<Figure[]> => {
  const found = await peer('fping');
  if (found.missing !== undefined) throw new Error(found.missing);
  const total = load.targets * load.count;
  const cpu: { batch: number[]; single: number[] } = { batch: [], single: [] };
  const rtt: { p50: number[]; p99: number[] } = { p50: [], p99: [] };
  const blocked: number[] = [];
  let lost = 0;
  for (let round = 0; round < Math.min(rounds, 5); round += 1) {
    const task = { do: 'ping', addresses: targets, count: load.count, blockMs: 0 } as const;
    const theirs = await fping(lab, found.path);
    const batch = await ask(lab, { ...task, batch: 10 });
    const single = await ask(lab, { ...task, batch: 1 });
    const busy = await ask(lab, { ...task, batch: 10, blockMs: 50 });
    cpu.batch.push(batch.cpu / theirs.cpu);
    cpu.single.push(single.cpu / theirs.cpu);
    rtt.p50.push(quantile(batch.rtts, 0.5) / quantile(theirs.rtts, 0.5));
    rtt.p99.push(Math.max(0, quantile(batch.rtts, 0.99) - quantile(theirs.rtts, 0.99)) / bars.spreadSeconds);
    blocked.push(quantile(busy.rtts, 0.99) / bars.blockedSeconds);
    for (const { rtts } of [batch, single, busy]) lost += total - rtts.length;
  }
  return [
    figureOf('ping-cpu-batch', cpu.batch, bars.batch, `of fping's CPU for ${total} pings at 1 a ms, in batches of 10`),
    figureOf('ping-cpu-single', cpu.single, bars.single, "of fping's CPU, one ping at a time"),
    figureOf('ping-rtt-p50', rtt.p50, bars.rtt, "of fping's median round trip"),
    figureOf('ping-rtt-p99', rtt.p99, 1, 'of 50 us that the 99th percentile may be above that of fping'),
    figureOf(
      'ping-blocked-p99',
      blocked,
      1,
      'of 100 us at the 99th percentile, while the process is blocked for 50 ms four times a second',
    ),
    { bench: 'ping-lost', ratio: lost, limit: 0, note: `pings of all rounds that were not answered` },
  ];
};

const pathFigures = async (lab: Lab): Promise<Figure[]> => {
  const found = await peer('mtr');
  if (found.missing !== undefined) throw new Error(found.missing);
  const list = Array.from({ length: pathLoad.targets }, (_, index) => addresses.target(4, index + 1));
  const ratios: number[] = [];
  let unequal = 0;
  let lost = 0;
  for (let round = 0; round < 3; round += 1) {
    const ours = await ask(lab, { do: 'trace', addresses: list, count: pathLoad.count });
    const script = `folder=$(mktemp -d); for one in ${list.join(' ')}; do "$0" --json -n -c ${pathLoad.count} "$one" > "$folder/$one" & done; wait; cat "$folder"/*; rm -r "$folder"; times`;
    const said = await lab.run('src', ['sh', '-c', script, found.path]);
    ratios.push(ours.cpu / childCpu(said.stdout));
    lost += ours.asked - ours.rtts.length;
    const theirs = pathsOf(said.stdout);
    for (const [index, address] of list.entries())
      if (String(ours.paths[index]) !== String(theirs.get(address))) unequal += 1;
  }
  return [
    figureOf(
      'mtr-cpu',
      ratios,
      bars.mtr,
      `of the CPU of ${pathLoad.targets} mtr processes, ${pathLoad.count} rounds over 7 hops`,
    ),
    {
      bench: 'mtr-unequal-paths',
      ratio: unequal,
      limit: 0,
      note: `of ${3 * pathLoad.targets} compared with those of mtr --json`,
    },
    { bench: 'mtr-lost', ratio: lost, limit: 0, note: 'packets of all rounds that were not answered' },
  ];
};

/** The hop lists of mtr's reports, by their destinations. */
const pathsOf = (output: string): ReadonlyMap<string, readonly string[]> => {
  const reports = output.slice(0, output.lastIndexOf('}') + 1).replaceAll(/^}\s*^{/gm, '},{');
  // safe: what mtr 0.90 and newer print
  const list = JSON.parse(`[${reports}]`) as { report: { mtr: { dst: string }; hubs: { host: string }[] } }[];
  return new Map(list.map(({ report }) => [report.mtr.dst, report.hubs.map(({ host }) => host)]));
};

const idleFigure = async (lab: Lab): Promise<Figure> => {
  const seconds = 5;
  const open = median(await Promise.all([1, 2, 3].map(async () => (await ask(lab, { do: 'idle', seconds })).cpu)));
  return {
    bench: 'icmp-idle',
    ratio: Number(((open * 1_000) / seconds / bars.idle).toFixed(3)),
    limit: 1,
    note: 'of 1 ms CPU a second, engine open and nothing to do',
  };
};

const soakSeconds = 600;

const soakFigures = async (lab: Lab): Promise<Figure[]> => {
  const { asked, rtts, grown } = await ask(lab, { do: 'soak', addresses: targets, seconds: soakSeconds });
  const note = `after ${soakSeconds} s at 1,000 pings a second, against what it was after 30 s`;
  return [
    { bench: 'icmp-soak-memory', ratio: Math.round(grown.rssMb), limit: 10, note: `MB more ${note}` },
    { bench: 'icmp-soak-fds', ratio: grown.descriptors, limit: 0, note: `descriptors more ${note}` },
    { bench: 'icmp-soak-lost', ratio: asked - rtts.length, limit: 0, note: `of ${asked} pings` },
  ];
};

/** A whole agent with as many targets, each once a minute. */
const agentTargets = 5_000;
const launcher = fileURLToPath(new URL('../bin/bothways', import.meta.url));

const agentFigures = async (lab: Lab): Promise<Figure[]> => {
  const list = {
    vantages: { lab: { kind: 'agent' } },
    defaults: { inside: { interval: '1m', timeout: '5s', profile: 'lean' } },
    targets: Array.from({ length: agentTargets }, (_, index) => ({
      name: `t${index}`,
      side: 'inside',
      target: `icmp://${addresses.peer(4, index + 1)}`,
    })),
  };
  // The agent's door is in its namespace, so who asks it is started there too.
  const script = [
    'file=$(mktemp); cat > "$file"',
    '"$0" "$1" agent --config "$file" --listen 127.0.0.1:9115 2>/dev/null & agent=$!',
    'sleep 100',
    '"$0" -e \'fetch("http://127.0.0.1:9115/metrics").then((answer) => answer.text()).then(console.log)\'',
    'kill $agent; wait $agent; rm "$file"',
  ].join('\n');
  const words = ['sh', '-c', script, process.execPath, launcher];
  const said = await lab.feed('src', words, JSON.stringify(list), true);
  const own = (line: string) =>
    Number(
      said.stdout
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')[1] ?? Number.NaN,
    );
  const runs = (outcome: string) => own(`bothways_runs_total{outcome="${outcome}"}`);
  const note = `of ${runs('good')} runs, ${agentTargets} targets a minute in one agent`;
  return [
    { bench: 'icmp-agent-failed', ratio: runs('failed'), limit: 0, note },
    { bench: 'icmp-agent-void', ratio: runs('void'), limit: 0, note },
    {
      bench: 'icmp-agent-lag',
      ratio: own('bothways_runs_start_lag_max_seconds'),
      limit: 1,
      note: 'seconds after their slot that the latest run began',
    },
  ];
};
