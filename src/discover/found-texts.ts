import { most } from '../config/from-cluster.ts';
import { mentionsSecret } from '../config/secrets.ts';
import { mostFoundInstructions, sizeProblem } from '../protocol/pattern.ts';
import type { Found } from './found.ts';

/**
 * Why a target that was found is left out for its texts, or `undefined`. The author of an object writes them: a long one would be in every
 * series, and what looks like a reference to a secret would be one as soon as it is printed as a list.
 */
export const textProblem = ({ entry, tenant }: Found, isTenants: boolean): string | undefined => {
  const texts = textsOf(entry);
  if (texts.some((text) => text.length > most.letters))
    return `a text of more than ${most.letters} characters; it is left out`;
  if (texts.some(mentionsSecret)) return 'a reference to a secret is not read from what was found; it is left out';
  return isTenants && !namespaceName.test(tenant) ? 'its object is in no namespace; it is left out' : undefined;
};

/** A DNS label (RFC 1123), as Kubernetes names its namespaces. */
const namespaceName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Why a target is left out for its expressions. Only an object's `expect` gives an entry settings of a prober. */
export const expressionProblem = ({ http, tcp }: Found['entry']): string | undefined => {
  const why = textsOf([http, tcp])
    .map((text) => sizeProblem(text, mostFoundInstructions))
    .find((one) => one !== undefined);
  return why === undefined ? undefined : `expect: the regular expression is too large: ${why}; it is left out`;
};

/** All texts in a value, keys too. */
const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)]);
};
