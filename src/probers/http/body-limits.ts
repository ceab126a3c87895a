import { mostWork, patternCost } from '../../protocol/pattern.ts';
import { parseSize } from '../../protocol/size.ts';
import type { HttpSettings } from './settings.ts';

/** Whether the rules need the body itself, not only its length. */
export const wantsBody = (settings: HttpSettings): boolean => bodyExpressions(settings).length > 0;

/** How much of a body is read and how much of it is kept, in bytes. A limit of 0 is none. */
export type BodyLimits = { readonly limit: number; readonly keep: number };

/** What matchers see of a body when the module sets no limit, in bytes. */
const matcherLimit = 10 * 1_024 * 1_024;

/** The limits of a module: blackbox_exporter's, and how much of the body is searched. */
export const bodyLimits = (settings: HttpSettings): BodyLimits => {
  const limit = parseSize(settings.body_size_limit) ?? 0;
  if (!wantsBody(settings)) return { limit, keep: 0 };
  const searched = parseSize(settings.body_match_limit) ?? 0;
  if (searched > 0) return { limit, keep: limit === 0 ? searched : Math.min(limit, searched) };
  return limit === 0 ? { limit: matcherLimit, keep: matcherLimit } : { limit, keep: limit };
};

/** A sentence for each expression that is too much for the bodies that it may meet. */
export const expensive = (settings: HttpSettings): readonly string[] => {
  const { keep } = bodyLimits(settings);
  return bodyExpressions(settings)
    .filter((text) => patternCost(text, keep) > mostWork)
    .map((text) => {
      const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
      return `the expression ${JSON.stringify(shown)} may take longer than a run has on a body of ${keep} bytes; write a body_size_limit or body_match_limit, or smaller repeats`;
    });
};

const bodyExpressions = ({
  fail_if_body_matches_regexp: bad,
  fail_if_body_not_matches_regexp: needed,
}: HttpSettings): readonly string[] => [...bad, ...needed];
