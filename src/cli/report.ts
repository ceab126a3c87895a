import type { Seconds } from '../kernel/check.ts';
import type { Point } from '../kernel/metric.ts';
import { printable } from '../kernel/printable.ts';
import { reasons } from '../kernel/reason.ts';
import type { Run } from '../kernel/run.ts';
import { jsonText } from '../protocol/json-text.ts';
import { type Paint, secondsText } from './paint.ts';

/** What a run came to: `void` is what we did to ourselves. */
export type Verdict = 'good' | 'failed' | 'void';

/** The verdict of a run. */
export const verdictOf = ({ outcome }: Run): Verdict => {
  if (outcome.void !== undefined) return 'void';
  return outcome.failures.length === 0 ? 'good' : 'failed';
};

/** Why a run says nothing about its target. */
export const voidText = ({ outcome }: Run): string => {
  if (outcome.void === 'stopped') return 'stopped before it ended';
  return `void: ${voids[outcome.void ?? ''] ?? printable(outcome.void ?? '')}`;
};

const voids: Readonly<Record<string, string>> = {
  starved: 'this process was itself kept from running',
  flooded: 'this process was busy with what several targets sent',
};

/** The phases that a run came through, in order, in seconds; those it did not reach are left out. */
export const phasesOf = (points: readonly Point[]): readonly (readonly [phase: string, seconds: Seconds])[] =>
  points
    .filter(({ metric, value }) => metric.dialect !== 'network_exporter' && isPhaseMetric(metric) && value > 0)
    .map(({ labels, value }) => [labels.phase ?? '', value]);

const isPhaseMetric = ({ name, labels }: Point['metric']) => 'phase' in labels && name.endsWith('_duration_seconds');

/** A run as one line, and a second one with the detail if it failed. `width` is that of the longest name. */
export const runLines = (run: Run, points: readonly Point[], width: number, paint: Paint): string => {
  const verdict = verdictOf(run);
  const name = printable(run.check.target.name).padEnd(width);
  if (verdict === 'void') return `${paint.dim(`- ${name}  ${voidText(run)}`)}\n`;
  const took = secondsText(run.took).padStart(6);
  const phases = paint.dim(
    phasesOf(points)
      .map(([phase, seconds]) => `${phase} ${secondsText(seconds)}`)
      .join('  '),
  );
  if (verdict === 'good') return `${`${paint.good('✓')} ${name}  ${took}  ${phases}`.trimEnd()}\n`;
  const { failures } = run.outcome;
  const why = paint.bad(failures.map(({ reason }) => reason).join(', '));
  const details = failures.map(({ phase, detail }) => `    ${phase}: ${printable(detail)}\n`).join('');
  return `${`${paint.bad('✗')} ${name}  ${took}  ${why}  ${phases}`.trimEnd()}\n${details}`;
};

/** A run as plain data for `--json`. Times are seconds, `startedAt` is ISO 8601. */
export const runData = (run: Run, points: readonly Point[]) => ({
  name: run.check.target.name,
  instance: run.check.instance,
  vantage: run.check.vantage.name,
  prober: run.check.module.prober,
  module: run.check.module.name,
  startedAt: new Date(run.startedAt).toISOString(),
  verdict: verdictOf(run),
  seconds: run.took,
  doubtSeconds: run.doubt,
  phases: Object.fromEntries(phasesOf(points)),
  failures: run.outcome.failures,
});

/** Phases as bars under each other, each beginning where the one before ended: where the time went. */
export const phaseBars = (points: readonly Point[], columns: number, paint: Paint): string => {
  const phases = phasesOf(points);
  const total = phases.reduce((sum, [, seconds]) => sum + seconds, 0);
  const room = Math.max(10, Math.min(columns - 32, 50));
  let before = 0;
  return phases
    .map(([phase, seconds]) => {
      const start = Math.floor((before / total) * room);
      before += seconds;
      const end = Math.max(start + 1, Math.round((before / total) * room));
      const bar = `${' '.repeat(start)}${'█'.repeat(end - start)}`;
      return `  ${phase.padEnd(14)}${secondsText(seconds).padStart(8)}  ${paint.dim(bar)}\n`;
    })
    .join('');
};

/** Why a run failed, for people: what was seen, what that means, and where to look first. */
export const failureText = (run: Run, paint: Paint): string =>
  run.outcome.failures
    .map(({ reason, phase, detail }) => {
      const { means, look } = reasons[reason];
      const lines = [printable(detail), paint.dim(means), `${paint.dim('Look at:')} ${look}`];
      return `  ${paint.bad(reason)} ${paint.dim(`(${phase})`)}\n${lines.map((line) => `    ${line}\n`).join('')}`;
    })
    .join('');

/** The record of a run: when, what, and the values noted with it. */
export const traceText = ({ trace }: Run, paint: Paint): string =>
  trace
    .map(({ at, what, data }) => {
      const values = Object.entries(data ?? {}).map(([key, value]) => `${paint.dim(`${key}=`)}${valueText(value)}`);
      return `  ${`${(at * 1_000).toFixed(1)} ms`.padStart(11)}  ${printable(what)}  ${values.join(' ')}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join('');

const valueText = (value: string | number | boolean) =>
  typeof value === 'string' && /[\s"=]|^$/.test(value) ? printable(jsonText(value)) : printable(String(value));
