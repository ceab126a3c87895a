import type { FuzzReport } from './fuzz/fuzz.ts';
import { type Baseline, bars, doubtMs } from './judge.ts';
import type { BatchReport } from './suite.ts';
import { peerNamed } from './table.ts';

/** What a whole run has measured. */
export type Measured = {
  readonly baseline: Baseline;
  readonly reports: readonly BatchReport[];
  readonly fuzzed: readonly FuzzReport[];
};

const groups = {
  tls: 'TLS: handshakes and certificates',
  'http/1.1': 'HTTP/1.1',
  body: 'Bodies',
  'http/2': 'HTTP/2',
  dns: 'DNS',
  tcp: 'TCP dialogues',
  icmp: 'ICMP',
} as const;

/** docs/hostile.md: what the peers do, what each program made of them, and the figures of this run. */
export const hostilePage = (measured: Measured): string =>
  [
    '# Hostile peers',
    '',
    'Written by `npm run hostile -- --markdown docs/hostile.md --fuzz 100000`. The figures are those of one run on one machine; they are no promise for another.',
    '',
    `Each peer is probed every two seconds with a time limit of 1.5 s by an installed agent, beside a canary: a good target that is probed every second. A run fails when the canary loses a run or fails, when its doubt grows by more than ${bars.doubtMs} ms, when the event loop is held for more than ${bars.heldMs} ms beyond what the agent shows without hostile peers, when the agent holds more than ${bars.peakMegabytes} MB, or when a verdict is not the expected one. Up to ten peers share a batch; those that load the machine most have one to themselves.`,
    '',
    ...figures(measured),
    '',
    ...Object.entries(groups).flatMap(([group, title]) => section(title, group, measured)),
    ...fuzzing(measured),
  ].join('\n');

const figures = ({ baseline, reports }: Measured): string[] => {
  const ran = reports.filter(({ skipped }) => skipped === undefined).map(({ result }) => result);
  const most = (values: readonly number[]) => Math.max(0, ...values).toFixed(1);
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const runs = total(ran.map(({ canary }) => canary.runs.length));
  const good = total(ran.map(({ canary }) => canary.runs.filter(({ verdict }) => verdict === 'good').length));
  const beyond = ran.filter(({ peakMegabytes }) => peakMegabytes > bars.peakMegabytes).flatMap(({ names }) => names);
  return [
    '| figure | without hostile peers | with them |',
    '|---|---|---|',
    `| good runs of the canary | all | ${good} of ${runs} |`,
    `| largest doubt of the canary | ${baseline.doubtMs.toFixed(1)} ms | ${most(ran.map(doubtMs))} ms |`,
    `| event loop held, at most | ${baseline.heldMs.toFixed(1)} ms | ${most(ran.map(({ heldMs }) => heldMs))} ms |`,
    `| largest resident memory | ${baseline.peakMegabytes.toFixed(0)} MB | ${most(ran.map(({ peakMegabytes }) => peakMegabytes))} MB |`,
    ...(beyond.length === 0 ? [] : ['', `More than ${bars.peakMegabytes} MB: ${beyond.join(', ')}.`]),
  ];
};

const section = (title: string, group: string, { reports }: Measured): string[] => {
  const rows = reports.flatMap(({ judged, result, skipped }) =>
    result.names
      .map(peerNamed)
      .filter((peer) => peer.group === group)
      .flatMap((peer) => {
        const found = judged.find(({ name }) => name === peer.name);
        if (found === undefined && skipped === undefined) return [];
        const verdict = skipped === undefined ? (found?.verdict ?? '') : 'not run';
        const note = found?.ok === false ? ` (expected: ${found.expected})` : '';
        return [
          `| ${cell(peer.name)} | ${cell(peer.does)} | ${cell(verdict + note)} | ${cell(result.blackbox[peer.name] ?? '-')} |`,
        ];
      }),
  );
  if (rows.length === 0) return [];
  return [
    `## ${title}`,
    '',
    '| peer | what it does | Bothways | blackbox_exporter |',
    '|---|---|---|---|',
    ...rows,
    '',
  ];
};

const cell = (text: string): string => text.replaceAll('|', 'or').replaceAll('\n', ' ');

const fuzzing = ({ fuzzed }: Measured): string[] =>
  fuzzed.length === 0
    ? []
    : [
        '## Mutated answers',
        '',
        'Answers that are right, with bits, bytes and pieces changed, or cut and then closed, reset or left open; 5 % are left as they are. A success is wrong when the answer cannot be one: a certificate was changed, the body is shorter than its framing says, the connection was reset before the end, the stream was not ended, the id or question is another.',
        '',
        '| answers | cases | seed | successes | of those left as they are | wrong successes | `unexpected` | crashes | cases a second |',
        '|---|---|---|---|---|---|---|---|---|',
        ...fuzzed.map(
          ({ kind, runs, seed, good, intact, intactGood, wrong, unexpected, crashes, perSecond }) =>
            `| ${kind} | ${runs} | ${seed} | ${good} | ${intactGood} of ${intact} | ${wrong.length} | ${unexpected.length} | ${crashes.length} | ${perSecond.toFixed(0)} |`,
        ),
        '',
      ];
