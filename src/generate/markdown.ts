/** What stands on top of every page that is made from tables. */
export const generatedNote = '<!-- Made by `npm run generate` from the tables in src; edit those. -->';

/** A page from its paragraphs, one empty line between two. */
export const page = (...paragraphs: readonly string[]): string =>
  `${[generatedNote, ...paragraphs].filter((paragraph) => paragraph !== '').join('\n\n')}\n`;

/** A table; the cells may hold any text. */
export const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows.map((cells) => cells.map(cell))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A name, a value or a piece of configuration, as it is written. */
export const code = (text: string): string => {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `\`${text}\`` : `${fence} ${text} ${fence}`;
};
