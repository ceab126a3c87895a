/** A part of a long list: some `items` of its `targets` from `firstIndex` on; `firstLine` is the line before it, from 1. */
export type Piece = {
  readonly text: string;
  readonly firstLine: number;
  readonly firstIndex: number;
  readonly items: readonly string[];
  /** All items are known, else none. */
  readonly isKnown: boolean;
};

/** A list without the items of its `targets`, and those in pieces. */
export type Pieces = {
  readonly rest: string;
  /** The line in the whole text for a line of `rest`. */
  readonly lineOf: (line: number) => number;
  readonly pieces: readonly Piece[];
};

const header = /^targets:[ \t]*(?:#.*)?\r?\n/m;
/** Anchors, aliases, merge keys and further documents reach from one piece into another. */
const entangled = /(?:^|[\s[{,])(?:[&*]\S|<<\s*:)|\n(?:---|\.\.\.|%)/;
const itemsInPiece = 1_000;

/**
 * Cuts a long list at the items of its `targets`, so that it can be parsed piece by piece: the parser takes some hundred
 * times the memory of its text. Items that are known are apart from the others. `undefined` where the text is not cut as simply
 * as that.
 */
export const yamlPieces = (text: string, isKnown: (item: string) => boolean): Pieces | undefined => {
  const match = header.exec(text);
  if (match === null || entangled.test(text)) return undefined;
  const start = match.index + match[0].length;
  const cuts: number[] = [];
  let indent = -1;
  let end = text.length;
  for (let at = start; at < text.length; at = lineAfter(text, at)) {
    const spaces = indentAt(text, at);
    const first = text[at + spaces];
    if (first === undefined || first === '\n' || first === '\r' || first === '#') continue;
    const isItem = first === '-' && /\s/.test(text[at + spaces + 1] ?? '\n');
    if (indent === -1 && !isItem) return undefined;
    if (indent === -1) indent = spaces;
    if (spaces === 0 && !(isItem && indent === 0)) {
      end = at;
      break;
    }
    if (spaces < indent || (spaces === indent && !isItem)) return undefined;
    if (spaces === indent) cuts.push(at);
  }
  return cuts.length === 0 ? undefined : cut(text, [start, end], cuts, isKnown);
};

const indentAt = (text: string, at: number): number => {
  let spaces = 0;
  while (text[at + spaces] === ' ') spaces += 1;
  return spaces;
};

const lineAfter = (text: string, at: number): number => {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
};

const cut = (
  text: string,
  [start, end]: readonly [number, number],
  cuts: readonly number[],
  isKnown: (item: string) => boolean,
): Pieces => {
  const linesBefore = linesIn(text, 0, start);
  const pieces: Piece[] = [];
  let line = linesBefore;
  let [from, items, known]: [number, string[], boolean] = [start, [], false];
  const finish = (to: number, firstIndex: number) => {
    pieces.push({ text: text.slice(from, to), firstLine: line, firstIndex, items, isKnown: known });
    line += linesIn(text, from, to);
    [from, items] = [to, []];
  };
  for (const [index, at] of cuts.entries()) {
    // Comments before the first item belong to it.
    const item = text.slice(index === 0 ? start : at, cuts[index + 1] ?? end);
    const isOld = isKnown(item);
    if (items.length === itemsInPiece || (items.length > 0 && isOld !== known)) finish(at, index - items.length);
    known = isOld;
    items.push(item);
  }
  finish(end, cuts.length - items.length);
  const lineOf = (number: number) => (number <= linesBefore ? number : number + line - linesBefore);
  return { rest: text.slice(0, start) + text.slice(end), lineOf, pieces };
};

const linesIn = (text: string, from: number, to: number): number => {
  let lines = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
};
