import { jsonText } from '../protocol/json-text.ts';

/** Where in a list: keys and indexes from its top. */
export type Path = readonly (string | number)[];

/** Something to say about a place of a list: what was seen and what to write. Never a secret. `other` is a second place. */
export type Finding = { readonly path: Path; readonly message: string; readonly other?: Path };

/** A {@link Finding} with its place in a file; lines and columns count from 1. */
export type Problem = {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly path: string;
  readonly message: string;
};

/** Collects findings up to a limit and counts the rest, so that a hostile list cannot fill the memory. */
export type Findings = {
  readonly add: (path: Path, message: string, other?: Path) => void;
  readonly all: readonly Finding[];
  /** How many were left out. */
  readonly more: () => number;
};

/** See {@link Findings}. */
export const findings = (limit = 50): Findings => {
  const all: Finding[] = [];
  let more = 0;
  return {
    add: (path, message, other) => {
      if (all.length < limit) all.push({ path, message, ...(other && { other }) });
      else more += 1;
    },
    all,
    more: () => more,
  };
};

const plain = /^[\w+-]+$/;

/** A path as people write it: `targets[2].http.body`; keys with other characters stand in `["…"]`. */
export const pathText = (path: Path): string => {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (plain.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${quoted(step)}]`;
  }
  return text;
};

/** One line for a problem: `targets.yaml:14 targets[2].http.bdoy: unknown key; did you mean "body"?` */
export const problemText = ({ file, line, path, message }: Problem): string => {
  const place = line > 0 ? `${file}:${line}` : file;
  return `${[place, path].filter((part) => part !== '').join(' ')}: ${message}`;
};

/** A text in quotes for a message: control characters and those that turn the direction of writing escaped, cut after 60 characters. */
export const quoted = (text: string): string => jsonText(text.length > 60 ? `${text.slice(0, 60)}…` : text);
