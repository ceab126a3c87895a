import { RE2JS } from 're2js';
import { type ExpressionSize, expressionSize } from './expression-size.ts';

/** A compiled regular expression: RE2's syntax, linear time, matched anywhere in the input. */
export type Pattern = {
  readonly test: (input: string | Uint8Array) => boolean;
  readonly groups: (input: string | Uint8Array) => Groups | undefined;
};

/** Captures of a match: by number (0 is the whole match) and by name; a group that took no part is the empty text. */
export type Groups = { readonly byNumber: readonly string[]; readonly byName: Readonly<Record<string, string>> };

type Compiled =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly why: string; readonly isTooLarge: boolean };

/**
 * The largest program that is compiled, in instructions, and the longest text, in characters. Compiling that much takes some 20 ms, in
 * which nothing else runs.
 */
export const patternLimit = { instructions: 5_000, text: 10_000 } as const;

/**
 * Compiles a regular expression as RE2 and Go's regexp do; look-ahead and back-references are refused, and what is above
 * {@link patternLimit} or `most` instructions, before any time is spent on it.
 * @see https://github.com/google/re2/wiki/Syntax
 */
export const compilePattern = (text: string, most: number = patternLimit.instructions): Compiled => {
  const why = sizeProblem(text, most);
  if (why !== undefined) return { ok: false, why, isTooLarge: true };
  try {
    const compiled = RE2JS.compile(text);
    return {
      ok: true,
      pattern: {
        test: (input) => {
          const matches = compiled.test(input);
          forget(compiled);
          return matches;
        },
        groups: (input) => groupsOf(compiled, input),
      },
    };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error), isTooLarge: false };
  }
};

/** Why an expression is not compiled: how large it is, and how large it may be; `undefined` if it may. */
export const sizeProblem = (text: string, most: number): string | undefined => {
  if (text.length > patternLimit.text) return `${text.length} characters, at most ${patternLimit.text}`;
  const { instructions, foldedClasses } = expressionSize(text);
  const size = instructions + foldedClasses * instructionsPerFold;
  return size <= most ? undefined : `a program of about ${size} instructions, at most ${most}`;
};

/** The largest program that is taken from what was found, in instructions: those who write it share the process with others. */
export const mostFoundInstructions = 200;

/** Folding the case of a large class takes as long as compiling so many instructions. */
const instructionsPerFold = 500;

/**
 * The most work that matching can be, in instructions times bytes, for an input that its sender chose. In re2js 2.10 on a core of 2023 a
 * unit takes up to 75 ns as long as each byte leads to a new state, and 10 to 15 ns once there are too many states to keep.
 */
export const patternCost = (text: string, bytes: number): number => {
  const { instructions, ranges, isLiteral } = sizeOf(text);
  // Plain text is searched by the runtime itself, at gigabytes a second.
  return isLiteral ? (bytes + text.length) / 16 : instructions * (bytes + 16) + ranges;
};

/** Work that takes a worker thread some five seconds at worst, which is all that a job may take; `check` warns above it. */
export const mostWork = 3e8;

const sizes = new Map<string, ExpressionSize>();
const mostSizes = 2_000;

const sizeOf = (text: string): ExpressionSize => {
  let size = sizes.get(text);
  if (size === undefined) {
    if (sizes.size >= mostSizes) sizes.clear();
    size = expressionSize(text);
    sizes.set(text, size);
  }
  return size;
};

/**
 * A program keeps the states that inputs have led it to, up to 8 MB as it counts them: a peer could have each of ours keep as much.
 * The few that ordinary answers need stay.
 */
const forget = (compiled: RE2JS): void => {
  // Not there before the first input that needs it (re2js 2.10 declares it as always there).
  const dfa: ReturnType<RE2JS['re2']>['lazyDFA'] | null = compiled.re2().lazyDFA;
  if (dfa !== null && dfa.stateBudget - dfa.memBudget > mostKept) dfa.clearCache();
};

const mostKept = 64 * 1_024;

const groupsOf = (compiled: RE2JS, input: string | Uint8Array): Groups | undefined => {
  const matcher = compiled.matcher(typeof input === 'string' ? input : Buffer.from(input).toString('utf8'));
  if (!matcher.find()) return undefined;
  const byNumber = Array.from({ length: compiled.groupCount() + 1 }, (_, index) => matcher.group(index) ?? '');
  const byName: Record<string, string> = {};
  for (const [name, index] of Object.entries(compiled.namedGroups())) byName[name] = byNumber[index] ?? '';
  return { byNumber, byName };
};
