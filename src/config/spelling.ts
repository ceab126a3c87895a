import { quoted } from './problem.ts';
import type { Choices, Shape } from './shape.ts';

/** What a text means where a boolean or one of a set of texts belongs; `undefined` if it means nothing there, or what it says. */
export const meantBy = (text: string, { boolean, choices, text: takesText }: Shape): boolean | string | undefined => {
  if (boolean && !takesText) return booleans[text.toLowerCase()];
  if (choices === undefined || choices.values.includes(text)) return undefined;
  return choiceFor(text, choices);
};

/** The sentence of a warning about a spelling. */
export const spellingNote = (text: string, meant: boolean | string): string => {
  const shown = typeof meant === 'string' ? quoted(meant) : String(meant);
  return `${quoted(text)} is taken as ${shown}; write ${shown}`;
};

/** Booleans of YAML 1.1, which Go's parsers go on to take. */
const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  y: true,
  on: true,
  false: false,
  no: false,
  n: false,
  off: false,
};

const choiceFor = (text: string, { values, spellings }: Choices): string | undefined => {
  const lower = text.toLowerCase();
  const same = values.filter((value) => value.toLowerCase() === lower);
  return same.length === 1 ? same[0] : spellings[lower];
};
