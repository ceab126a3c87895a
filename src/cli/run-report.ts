import type { Point } from '../kernel/metric.ts';
import { printable } from '../kernel/printable.ts';
import type { Run } from '../kernel/run.ts';
import { cipherMetric, tlsMetrics } from '../net/tls-facts.ts';
import { type Paint, secondsText } from './paint.ts';
import { failureText, phaseBars, traceText, verdictOf, voidText } from './report.ts';

/** How a report is to look. */
export type Look = { readonly columns: number; readonly paint: Paint; readonly debug: boolean };

/** One run at length: verdict, reasons, where the time went, address, TLS and certificate, and the trace if asked for. */
export const runReport = (run: Run, points: readonly Point[], { columns, paint, debug }: Look): string => {
  const rows = [...addressRows(run), ...tlsRows(points, run.startedAt), ...doubtRows(run)];
  return [
    headline(run, paint),
    verdictOf(run) === 'void' ? `  ${voidText(run)}\n` : failureText(run, paint),
    phaseBars(points, columns, paint),
    ...rows.map(([head, text]) => `  ${head.padEnd(14)}${printable(text)}\n`),
    ...(debug ? [`\n${traceText(run, paint)}`] : []),
  ].join('');
};

const headline = (run: Run, paint: Paint): string => {
  const { check, took } = run;
  const words = `${paint.strong(printable(check.instance))} ${paint.dim(`${secondsText(took)}, ${check.module.name}`)}\n`;
  const signs = { good: paint.good('✓'), failed: paint.bad('✗'), void: paint.dim('-') };
  return `${signs[verdictOf(run)]} ${words}`;
};

type Row = readonly [head: string, text: string];

const addressRows = ({ trace }: Run): Row[] =>
  trace
    .filter(({ what }) => what === 'address')
    .slice(-1)
    .map(({ data }) => ['address', String(data?.ip ?? '')]);

/** Above this many seconds the process was too busy for its own times to be trusted. */
const muchDoubt = 0.006;

const doubtRows = ({ doubt }: Run): Row[] =>
  doubt > muchDoubt ? [['doubt', `this process was busy itself: times may be ${secondsText(doubt)} too long`]] : [];

const tlsRows = (points: readonly Point[], now: number): Row[] => {
  const find = (metric: Point['metric']) => points.find((point) => point.metric === metric);
  const version = find(tlsMetrics.tlsVersion)?.labels.version;
  if (version === undefined) return [];
  const cipher = find(cipherMetric)?.labels.cipher;
  const rows: Row[] = [['tls', cipher === undefined ? version : `${version}, ${cipher}`]];
  const leaf = find(tlsMetrics.lastChain)?.labels;
  if (leaf !== undefined)
    rows.push(
      ['certificate', [leaf.subject, namesText(leaf.subjectalternative ?? '')].filter((text) => text !== '').join(' ')],
      ['issuer', leaf.issuer ?? ''],
    );
  const begins = find(tlsMetrics.notBefore)?.value;
  const ends = find(tlsMetrics.earliestExpiry)?.value;
  if (begins !== undefined && ends !== undefined)
    rows.push(['valid', `${dayText(begins)} to ${dayText(ends)}, ${leftText(ends - now / 1_000)}`]);
  return rows;
};

const namesText = (names: string): string => {
  const all = names.split(',').filter((name) => name !== '');
  const shown = all.slice(0, 3).join(', ');
  if (all.length === 0) return '';
  return all.length > 3 ? `for ${shown} and ${all.length - 3} more` : `for ${shown}`;
};

const day = 86_400;

const leftText = (seconds: number): string => {
  const days = Math.floor(Math.abs(seconds) / day);
  const time = days === 1 ? '1 day' : `${days} days`;
  return seconds >= 0 ? `${time} left` : `ended ${time} ago`;
};

/** A certificate may claim any time at all, also one that is no date here. */
const dayText = (seconds: number): string => {
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? 'never' : date.toISOString().slice(0, 10);
};
