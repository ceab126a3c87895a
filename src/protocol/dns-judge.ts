import type { DnsMessage, ResourceRecord } from './dns-message.ts';
import { recordText } from './dns-record-text.ts';
import { patternCost } from './pattern.ts';
import { patternFor } from './pattern-cache.ts';

/** The four lists of blackbox_exporter's `validate_…_rrs`. */
export type RecordRules = {
  readonly fail_if_matches_regexp: readonly string[];
  readonly fail_if_all_match_regexp: readonly string[];
  readonly fail_if_not_matches_regexp: readonly string[];
  readonly fail_if_none_matches_regexp: readonly string[];
};

/** The records of one section as text, with the rules they are judged by. Plain data, so that a worker can take it. */
export type RecordTexts = { readonly texts: readonly string[]; readonly rules: RecordRules };

/** The texts of the records of a section; `undefined` where there is no rule, so that none is made. */
export const recordTexts = (
  records: readonly ResourceRecord[],
  message: DnsMessage,
  rules: RecordRules,
): RecordTexts | undefined =>
  Object.values(rules).every((list) => list.length === 0)
    ? undefined
    : { texts: records.map((record) => recordText(record, message)), rules: onlyLists(rules) };

/** The settings may have more keys, and they may not be plain data. */
const onlyLists = (rules: RecordRules): RecordRules => ({
  fail_if_matches_regexp: rules.fail_if_matches_regexp,
  fail_if_all_match_regexp: rules.fail_if_all_match_regexp,
  fail_if_not_matches_regexp: rules.fail_if_not_matches_regexp,
  fail_if_none_matches_regexp: rules.fail_if_none_matches_regexp,
});

/** The most that judging costs, as {@link patternCost} counts. */
export const recordsCost = ({ texts, rules }: RecordTexts): number => {
  const bytes = texts.reduce((sum, { length }) => sum + length + 16, 0);
  return Object.values(rules)
    .flat()
    .reduce((sum, text) => sum + patternCost(text, bytes), 0);
};

/**
 * What is wrong with a section by its rules: one sentence, or `undefined`. The order and the meaning are blackbox_exporter's,
 * so `fail_if_all_match_regexp` fails when NOT all records match all expressions.
 */
export const judgeRecords = ({ texts, rules }: RecordTexts): string | undefined => {
  const {
    fail_if_matches_regexp: bad,
    fail_if_all_match_regexp: all,
    fail_if_not_matches_regexp: each,
    fail_if_none_matches_regexp: some,
  } = rules;
  const shown = (text: string | undefined) => JSON.stringify(text ?? '').slice(0, 200);
  for (const text of bad) {
    const hit = texts.find((record) => patternFor(text).test(record));
    if (hit !== undefined) return `${shown(hit)} matches ${text} (fail_if_matches_regexp)`;
  }
  for (const text of all) {
    const miss = texts.find((record) => !patternFor(text).test(record));
    if (miss !== undefined) return `${shown(miss)} does not match ${text} (fail_if_all_match_regexp)`;
  }
  if (texts.length === 0 && each.length + some.length > 0) return 'there are no records to match';
  for (const text of each) {
    const miss = texts.find((record) => !patternFor(text).test(record));
    if (miss !== undefined) return `${shown(miss)} does not match ${text} (fail_if_not_matches_regexp)`;
  }
  if (some.length > 0 && !texts.some((record) => some.some((text) => patternFor(text).test(record))))
    return `none of ${texts.length} records matches ${some.join(' or ')} (fail_if_none_matches_regexp)`;
  return undefined;
};
