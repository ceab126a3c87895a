import { printable } from '../kernel/printable.ts';
import type { ProbeOutcome } from '../net/icmp/engine.ts';
import { type Hop, type HopAnswer, type HopView, hopViews } from '../protocol/hop-table.ts';
import { statisticsOf } from '../protocol/statistics.ts';
import type { Paint } from './paint.ts';

/** Collects what comes of single packets, so that it can be looked at while the tracing goes on. */
export type TraceBoard = {
  readonly heard: (ttl: number, round: number, outcome: ProbeOutcome) => void;
  readonly hops: () => readonly BoardHop[];
};

/** A hop as it stands: its view, and its latest packets, oldest first; `undefined` for one without an answer. */
export type BoardHop = HopView & { readonly recent: readonly (number | undefined)[] };

const mostRecent = 60;

type Row = {
  sent: number;
  answers: HopAnswer[];
  recent: (number | undefined)[];
  end: 'target' | 'objection' | undefined;
};

/** An empty board. Packets of round 0, which search for the path, show who is there and count for nothing else. */
export const traceBoard = (): TraceBoard => {
  const rows = new Map<number, Row>();
  const found = new Map<number, string>();
  const heard: TraceBoard['heard'] = (ttl, round, outcome) => {
    const isAnswer =
      outcome.kind === 'hop' || outcome.kind === 'reply' || (outcome.kind === 'unreachable' && !outcome.own);
    if (isAnswer) found.set(ttl, outcome.from);
    const row = rows.get(ttl) ?? { sent: 0, answers: [], recent: [], end: undefined };
    rows.set(ttl, row);
    if (outcome.kind === 'reply') row.end = 'target';
    else if (isAnswer && outcome.kind === 'unreachable') row.end ??= 'objection';
    if (round === 0 || outcome.kind === 'local' || outcome.kind === 'engine') return;
    row.sent += 1;
    row.recent = [...row.recent, isAnswer ? outcome.rtt : undefined].slice(-mostRecent);
    if (isAnswer) row.answers.push({ from: outcome.from, rtt: outcome.rtt });
  };
  const hops = (): BoardHop[] => {
    const sorted = [...rows].sort(([a], [b]) => a - b);
    // The search also asks at a distance; what lies behind a gap is no part of the path.
    const all = sorted.filter(([ttl], index) => ttl === (sorted[0]?.[0] ?? 1) + index);
    const target = all.findIndex(([, row]) => row.end === 'target');
    const end = target < 0 ? all.findIndex(([, row]) => row.end !== undefined) : target;
    const shown = end < 0 ? upToSilence(all) : all.slice(0, end + 1);
    const plain = shown.map(
      ([ttl, { sent, answers }]): Hop => ({ ttl, sent, late: 0, found: found.get(ttl), answers }),
    );
    return hopViews(plain).map((view) => ({
      ...view,
      recent: rows.get(view.ttl)?.recent ?? [],
    }));
  };
  /** One hop behind the last that answered: it is where it breaks. */
  const upToSilence = (all: readonly (readonly [number, Row])[]) =>
    all.slice(0, all.findLastIndex(([ttl]) => found.has(ttl)) + 2);
  return { heard, hops };
};

const heads = ['hop', 'address', 'loss', 'sent', 'last', 'avg', 'best', 'worst', 'jitter'] as const;
const bars = '▁▂▃▄▅▆▇█';

/** The table as lines that fit into `columns`: times in milliseconds, with a sparkline of the latest packets where there is room. */
export const traceTable = (hops: readonly BoardHop[], columns: number, colours: Paint): string[] => {
  const cells = [[...heads], ...hops.map(cellsOf)];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const used = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(0, Math.min(mostRecent, columns - used - 1));
  return cells.map((row, index) => {
    const text = row.map((cell, column) =>
      column === 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    if (index === 0) return colours.dim(text.join('  ').slice(0, columns));
    const hop = hops[index - 1];
    if (hop === undefined) return '';
    const line = text.join('  ').slice(0, columns);
    const coloured = hop.forwardedLoss > 0 ? colours.bad(line) : line;
    return room >= 8 ? `${coloured}  ${sparkline(hop.recent.slice(-room))}` : coloured;
  });
};

const cellsOf = (hop: BoardHop): string[] => {
  const rtts = hop.answers.map(({ rtt }) => rtt);
  const statistics = statisticsOf(rtts);
  const others = hop.others.length > 0 ? ` +${hop.others.length}` : '';
  const times =
    statistics === undefined
      ? ['', '', '', '', '']
      : [rtts.at(-1) ?? 0, statistics.mean, statistics.best, statistics.worst, statistics.jitter].map(msText);
  const loss = hop.sent === 0 ? '' : `${(hop.loss * 100).toFixed(hop.loss > 0 && hop.loss < 0.1 ? 1 : 0)}%`;
  return [String(hop.ttl), `${printable(hop.responder ?? '*')}${others}`, loss, String(hop.sent), ...times];
};

const msText = (seconds: number): string => (seconds * 1_000).toFixed(seconds < 0.01 ? 2 : 1);

/** One sign a packet: its height between the shortest and the longest, `·` for one that was lost. */
const sparkline = (recent: readonly (number | undefined)[]): string => {
  const known = recent.filter((rtt) => rtt !== undefined);
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  return recent
    .map((rtt) => {
      if (rtt === undefined) return '·';
      return bars[span === 0 ? 0 : Math.min(bars.length - 1, Math.floor(((rtt - least) / span) * bars.length))];
    })
    .join('');
};
