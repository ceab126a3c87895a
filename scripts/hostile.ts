import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { kinds } from '../test/hostile/fuzz/cases.ts';
import { type FuzzReport, fuzz } from '../test/hostile/fuzz/fuzz.ts';
import { type Baseline, doubtMs } from '../test/hostile/judge.ts';
import { hostilePage } from '../test/hostile/page.ts';
import type { HostilePeer } from '../test/hostile/peer.ts';
import { installed } from '../test/hostile/program.ts';
import {
  type BatchReport,
  baselineOf,
  batchesOf,
  blamedFor,
  runGroup,
  type SuiteOptions,
} from '../test/hostile/suite.ts';
import { hostilePeers } from '../test/hostile/table.ts';
import { peer as programNamed } from '../test/servers/peers.ts';

/**
 * `npm run hostile`: the installed agent with each hostile peer of the table beside a canary.
 *
 * - `--only PATTERN`: the peers whose name or group it matches, or with `--fuzz` the kinds of answers;
 * - `--fuzz COUNT [--seed N]`: also mutated answers, so many of each kind; alone with `--no-peers`;
 * - `--json`: one object per line; `--markdown FILE`: the page of docs/hostile.md;
 * - `--seconds N`, `--size N`: length and size of a batch; `--no-blackbox`: blackbox_exporter is not asked;
 * - `--no-blame`: a disturbed batch is not run again, peer by peer.
 *
 * Exits 1 when a verdict is not that of the table, the canary was disturbed, the event loop held, memory exceeded, or a mutated answer was a
 * wrong success or ended the process. Ctrl-C ends it with 130.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    markdown: { type: 'string' },
    fuzz: { type: 'string', default: '0' },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '6' },
    size: { type: 'string', default: '10' },
    'no-blackbox': { type: 'boolean', default: false },
    'no-peers': { type: 'boolean', default: false },
    'no-blame': { type: 'boolean', default: false },
  },
});
const only = new RegExp(values.only);
const peers = values['no-peers'] ? [] : hostilePeers.filter(({ name, group }) => only.test(name) || only.test(group));
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
const isStopped = () => stopping.signal.aborted;

const line = (text: string) => void process.stdout.write(`${text}\n`);
const round = (value: number) => Number(value.toFixed(1));

const showPeers = ({ result, judged, problems, skipped }: BatchReport) => {
  const { heldMs, peakMegabytes, blackbox, canary, names } = result;
  const figures = { heldMs: round(heldMs), peakMegabytes: round(peakMegabytes), doubtMs: round(doubtMs(result)) };
  for (const { name, verdict, expected, ok } of judged) {
    const theirs = blackbox[name] ?? '-';
    if (values.json) line(JSON.stringify({ peer: name, ok, verdict, expected, blackbox: theirs, ...figures }));
    else
      line(
        `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(26)} ${verdict.padEnd(34)} ${ok ? '' : `expected ${expected}; `}blackbox_exporter: ${theirs}; loop ${figures.heldMs} ms, ${figures.peakMegabytes} MB`,
      );
  }
  const ran = { batch: names, canary: `${canary.runs.length} of ${canary.expected}`, ...figures, problems, skipped };
  if (values.json) line(JSON.stringify(ran));
  else if (skipped !== undefined) line(`skipped ${names.join(', ')}: ${skipped}`);
};

const showFuzz = ({ kind, wrong, crashes, unexpected, ...rest }: FuzzReport) => {
  if (values.json) return line(JSON.stringify({ fuzz: kind, wrong, crashes, unexpected, ...rest }));
  const { runs, good, intact, intactGood, seed, perSecond, residentMegabytes } = rest;
  line(
    `${wrong.length + crashes.length + unexpected.length > 0 ? 'FAIL' : 'ok  '} ${kind}: ${runs} mutated answers of seed ${seed}, ${good} successes (${intactGood} of ${intact} left as they are), ${wrong.length} wrong, ${unexpected.length} unexpected, ${crashes.length} crashes; ${perSecond.toFixed(0)} a second, ${residentMegabytes.toFixed(0)} MB`,
  );
  for (const { id, why } of wrong.slice(0, 10)) line(`     wrong success in case ${id}: ${why}`);
  for (const { id, why } of unexpected.slice(0, 10)) line(`     unexpected in case ${id}: ${why}`);
  for (const crash of crashes) line(`     ${crash.split('\n').slice(0, 6).join('\n     ')}`);
};

const reports: BatchReport[] = [];
const fuzzed: FuzzReport[] = [];
let base: Baseline | undefined;

const runPeers = async () => {
  const blackbox = values['no-blackbox'] ? undefined : await programNamed('blackbox-exporter');
  await using program = await installed();
  const options: SuiteOptions = {
    program: program.words,
    ...(blackbox?.path === undefined ? {} : { blackbox: blackbox.path }),
    seconds: Number(values.seconds),
    size: Number(values.size),
    separately: true,
    signal: stopping.signal,
  };
  const baseline = await baselineOf(options);
  base = baseline;
  if (!values.json)
    line(
      `alone: doubt ${round(baseline.doubtMs)} ms, loop held ${round(baseline.heldMs)} ms, ${round(baseline.peakMegabytes)} MB`,
    );
  const run = async (group: readonly HostilePeer[]): Promise<void> => {
    const report = await runGroup(group, baseline, options);
    const crashed = report.result.exit !== undefined;
    const blamed = values['no-blame'] && !crashed ? [] : await blamedFor(report, baseline, options);
    const others = group.filter(({ name }) => !blamed.includes(name));
    // An agent that has ended says nothing of the peers beside the one that ended it.
    const again = crashed && blamed.length > 0 && others.length > 0;
    const own = again ? { ...report, judged: report.judged.filter(({ name }) => blamed.includes(name)) } : report;
    reports.push(own);
    showPeers(own);
    for (const problem of own.problems) if (!values.json) line(`FAIL ${problem}`);
    if (blamed.length > 0) line(values.json ? JSON.stringify({ blamed }) : `     shown alone by: ${blamed.join(', ')}`);
    else if (own.problems.length > 0 && !values.json && !values['no-blame'])
      line(`     shown by none of ${own.result.names.join(', ')} alone`);
    if (again) await run(others);
  };
  for (const group of batchesOf(peers, options)) await run(group);
};

const runFuzz = async () => {
  const seed = Number(values.seed ?? randomInt(1_000_000));
  for (const kind of kinds) {
    if (isStopped() || !(values['no-peers'] ? only : /./).test(kind)) continue;
    const report = await fuzz({ kind, seed, count: Number(values.fuzz), signal: stopping.signal });
    fuzzed.push(report);
    showFuzz(report);
  }
};

try {
  if (peers.length > 0) await runPeers();
  if (Number(values.fuzz) > 0) await runFuzz();
} catch (error) {
  if (!isStopped()) throw error;
}
// What a run that was stopped has measured is measured.
if (values.markdown !== undefined && base !== undefined)
  await writeFile(values.markdown, hostilePage({ baseline: base, reports, fuzzed }));
const judged = reports.flatMap((report) => report.judged);
const wrong = judged.filter(({ ok }) => !ok);
const disturbed = reports.filter(({ problems }) => problems.length > 0);
const broken = fuzzed.filter((report) => report.wrong.length + report.crashes.length + report.unexpected.length > 0);
if (judged.length > 0)
  line(
    values.json
      ? JSON.stringify({ peers: judged.length, wrong: wrong.map(({ name }) => name), disturbed: disturbed.length })
      : `${judged.length} peers, ${wrong.length} with another verdict; ${reports.length} batches, ${disturbed.length} disturbed`,
  );
process.exitCode = isStopped() ? 130 : wrong.length + disturbed.length + broken.length > 0 ? 1 : 0;
