import { RE2JS } from 're2js';

/** A compiled regular expression: RE2's syntax, linear time, matched anywhere in the input. */
export type Pattern = {
  readonly test: (input: string | Uint8Array) => boolean;
  readonly groups: (input: string | Uint8Array) => Groups | undefined;
};

/** Captures of a match: by number (0 is the whole match) and by name; a group that took no part is the empty text. */
export type Groups = { readonly byNumber: readonly string[]; readonly byName: Readonly<Record<string, string>> };

type Compiled = { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly why: string };

/**
 * Compiles a regular expression as RE2 and Go's regexp do; look-ahead and back-references are refused.
 * @see https://github.com/google/re2/wiki/Syntax
 */
export const compilePattern = (text: string): Compiled => {
  try {
    const compiled = RE2JS.compile(text);
    return {
      ok: true,
      pattern: { test: (input) => compiled.test(input), groups: (input) => groupsOf(compiled, input) },
    };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
};

const groupsOf = (compiled: RE2JS, input: string | Uint8Array): Groups | undefined => {
  const matcher = compiled.matcher(typeof input === 'string' ? input : Buffer.from(input).toString('utf8'));
  if (!matcher.find()) return undefined;
  const byNumber = Array.from({ length: compiled.groupCount() + 1 }, (_, index) => matcher.group(index) ?? '');
  const byName: Record<string, string> = {};
  for (const [name, index] of Object.entries(compiled.namedGroups())) byName[name] = byNumber[index] ?? '';
  return { byNumber, byName };
};
