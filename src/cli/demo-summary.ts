import type { DemoResult } from '../demo/demo.ts';
import type { CheckRow } from '../page/status.ts';
import type { Paint } from './paint.ts';

/** What a demo saw, as a table: each target with its vantages, good runs of all, and what is wrong with it now. */
export const demoSummary = ({ checks, deliveries }: DemoResult, paint: Paint): string => {
  const sorted = checks.toSorted((a, b) => (`${a.name} ${a.vantage}` < `${b.name} ${b.vantage}` ? -1 : 1));
  const rows = sorted.map((check) => ({
    side: check.side,
    cells: [check.name, check.vantage, runsText(check), latencyText(check)],
    state: stateText(check),
    good: check.up === true,
  }));
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map(({ cells }) => cells[column]?.length ?? 0)));
  const line = ({ cells, state, good }: (typeof rows)[number]) =>
    `${good ? paint.good('✓') : paint.bad('✗')} ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}  ${state}\n`;
  const part = (title: string, side: CheckRow['side']) =>
    `${title}\n${rows
      .filter((row) => row.side === side)
      .map(line)
      .join('')}`;
  const delivered = deliveries.reduce((sum, { accepted }) => sum + accepted, 0);
  const lost = deliveries.reduce((sum, { waiting, lost: gone }) => sum + waiting + gone, 0);
  return `${part('What users see', 'outside')}\n${part('What workloads depend on', 'inside')}\n${delivered} samples delivered, ${lost} not.\n`;
};

const runsText = ({ recent }: CheckRow): string => {
  const good = recent.filter(([, , isGood]) => isGood).length;
  return `${good} of ${recent.length} good`;
};

const latencyText = ({ recent }: CheckRow): string => {
  const sorted = recent.map(([, seconds]) => seconds).sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  return middle === undefined ? '' : `median ${(middle * 1_000).toFixed(0)} ms`;
};

const stateText = ({ up, failures }: CheckRow): string =>
  up === undefined ? 'no run yet' : failures.map(({ phase, reason }) => `${reason} (${phase})`).join(', ');
