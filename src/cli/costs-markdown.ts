import { printable } from '../kernel/printable.ts';
import {
  assumed,
  boundOf,
  changeRow,
  difference,
  money,
  moneyDifference,
  type Plan,
  receiverHead,
  receiverRow,
  sectionsOf,
  vantageHead,
  vantageRow,
} from './costs-text.ts';
import { counted, thousands } from './paint.ts';

/**
 * A text of the list as a span of code, where nothing in it means anything: no link, no mention of people, no HTML.
 * @see https://github.github.com/gfm/#code-spans and https://github.github.com/gfm/#tables-extension- for the pipes
 */
const code = (text: string): string => {
  if (text === '') return '';
  // Behind an odd number of backslashes a pipe does not end a cell.
  const plain = printable(text).replaceAll(/(\\*)\|/g, (_, slashes: string) =>
    slashes.length % 2 === 0 ? `${slashes}\\|` : `${slashes}\\\\|`,
  );
  const ticks = Math.max(0, ...[...plain.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(ticks + 1);
  const space = /^[` ]|[` ]$/.test(plain) ? ' ' : '';
  return `${fence}${space}${plain}${space}${fence}`;
};

/**
 * How many characters a comment may have: GitHub takes 65,536. Costs have a part of their own, and changes what is left, so that neither
 * hides the other.
 */
const room = { comment: 60_000, warnings: 8_000, vantages: 12_000, receivers: 6_000 };

/** A body or a certificate may be long. Each value is cut for itself, so that none hides the next. */
const shortened = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);
const longest = 200;

/** As many lines as there is room for, at most so many, and behind them how many were left out. */
const within = (lines: readonly string[], characters: number, most = lines.length): readonly string[] => {
  let left = characters;
  const shown = lines.slice(0, most).findIndex((line) => {
    left -= line.length + 1;
    return left < 0;
  });
  const count = shown === -1 ? Math.min(lines.length, most) : shown;
  return count === lines.length ? lines : [...lines.slice(0, count), `\n… and ${thousands(lines.length - count)} more`];
};

const rowText = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A table with as many rows as there is room for. */
const table = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  characters: number,
  most?: number,
): string => [rowText(head), rowText(head.map(() => '---')), ...within(rows.map(rowText), characters, most)].join('\n');

/** Rows whose first cell is a name of the list; the others are figures. */
const named = (rows: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  rows.map(([name = '', ...figures]) => [code(name), ...figures]);

const folded = (title: string, text: string): string => `<details><summary>${title}</summary>\n\n${text}\n\n</details>`;

/** How many changes of a section a comment shows. */
const mostChanges = 100;

/** A plan as Markdown, for a comment at a pull request. */
export const costsMarkdown = (plan: Plan): string => {
  const { costs, before, changes, over } = plan;
  const head =
    before === undefined
      ? `${thousands(costs.series)} series, ${money(costs.usd)} a month`
      : `Series ${difference(costs.series, before.series, thousands)}, money ${moneyDifference(costs.usd, before.usd)} a month`;
  const parts = [
    `### Bothways plan\n\n**${head}**`,
    ...over.map((one) => `> **Over budget:** ${one}`),
    ...within(
      costs.warnings.map((one) => `> ${code(one)}`),
      room.warnings,
    ),
  ];
  const receivers =
    costs.receivers.length === 0
      ? ''
      : `${table(receiverHead, named(costs.receivers.map(receiverRow)), room.receivers)}\n\n`;
  const vantages = table(vantageHead, named(costs.vantages.map(vantageRow)), room.vantages);
  const prose = [...boundOf(costs), proseOf(assumed(plan), plan)].join('\n\n');
  const costsPart = folded('Vantages and receivers', `${vantages}\n\n${receivers}${prose}`);
  let left = room.comment - [...parts, costsPart].reduce((sum, one) => sum + one.length + 2, 0);
  if (changes !== undefined) {
    const sections = sectionsOf(changes);
    if (sections.length === 0) parts.push('Nothing changes.');
    for (const { title, rows } of sections) {
      const cells = rows.map((row) => {
        const [what, name, how] = changeRow(row, shortened);
        return [what, code(shortened(name)), code(how)];
      });
      const part = folded(
        `${title}: ${counted(rows.length, 'change')}`,
        table(['', 'of', 'how'], cells, left, mostChanges),
      );
      left -= part.length;
      parts.push(part);
    }
  }
  parts.push(costsPart);
  return `${parts.join('\n\n')}\n`;
};

/** The sentence about prices; the name of a file in it is anybody's. */
const proseOf = (text: string, { prices: { own } }: Plan): string =>
  own === undefined ? text : text.replace(own, () => code(own));
