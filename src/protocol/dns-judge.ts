import type { DnsMessage, ResourceRecord } from './dns-message.ts';
import { recordText } from './dns-record-text.ts';
import { compilePattern, type Pattern } from './pattern.ts';

/** The four lists of blackbox_exporter's `validate_…_rrs`. */
export type RecordRules = {
  readonly fail_if_matches_regexp: readonly string[];
  readonly fail_if_all_match_regexp: readonly string[];
  readonly fail_if_not_matches_regexp: readonly string[];
  readonly fail_if_none_matches_regexp: readonly string[];
};

type Compiled = { readonly text: string; readonly pattern: Pattern };
type CompiledRules = Readonly<Record<keyof RecordRules, readonly Compiled[]>>;

const compiledRules = new WeakMap<RecordRules, CompiledRules>();

const compile = (rules: RecordRules): CompiledRules => {
  const known = compiledRules.get(rules);
  if (known !== undefined) return known;
  const list = (texts: readonly string[]) =>
    texts.flatMap((text) => {
      const compiled = compilePattern(text);
      // The schema lets only expressions through that compile.
      return compiled.ok ? [{ text, pattern: compiled.pattern }] : [];
    });
  const made = {
    fail_if_matches_regexp: list(rules.fail_if_matches_regexp),
    fail_if_all_match_regexp: list(rules.fail_if_all_match_regexp),
    fail_if_not_matches_regexp: list(rules.fail_if_not_matches_regexp),
    fail_if_none_matches_regexp: list(rules.fail_if_none_matches_regexp),
  };
  compiledRules.set(rules, made);
  return made;
};

/**
 * What is wrong with a section by its rules: one sentence, or `undefined`. The order and the meaning are blackbox_exporter's,
 * so `fail_if_all_match_regexp` fails when NOT all records match all expressions.
 */
export const judgeRecords = (
  records: readonly ResourceRecord[],
  message: DnsMessage,
  rules: RecordRules,
): string | undefined => {
  const {
    fail_if_matches_regexp: bad,
    fail_if_all_match_regexp: all,
    fail_if_not_matches_regexp: each,
    fail_if_none_matches_regexp: some,
  } = compile(rules);
  if (bad.length + all.length + each.length + some.length === 0) return undefined;
  const texts = records.map((record) => recordText(record, message));
  const shown = (text: string | undefined) => JSON.stringify(text ?? '').slice(0, 200);
  for (const { text, pattern } of bad) {
    const hit = texts.find((record) => pattern.test(record));
    if (hit !== undefined) return `${shown(hit)} matches ${text} (fail_if_matches_regexp)`;
  }
  for (const { text, pattern } of all) {
    const miss = texts.find((record) => !pattern.test(record));
    if (miss !== undefined) return `${shown(miss)} does not match ${text} (fail_if_all_match_regexp)`;
  }
  if (texts.length === 0 && each.length + some.length > 0) return 'there are no records to match';
  for (const { text, pattern } of each) {
    const miss = texts.find((record) => !pattern.test(record));
    if (miss !== undefined) return `${shown(miss)} does not match ${text} (fail_if_not_matches_regexp)`;
  }
  if (some.length > 0 && !texts.some((record) => some.some(({ pattern }) => pattern.test(record))))
    return `none of ${texts.length} records matches ${some.map(({ text }) => text).join(' or ')} (fail_if_none_matches_regexp)`;
  return undefined;
};
