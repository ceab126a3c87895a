import type { Vantage } from '../kernel/check.ts';
import { nearest } from '../protocol/nearest.ts';
import { quoted } from './problem.ts';

/** What a `from` list selects: the vantages in the order of the list's `vantages`, and the selectors that select none. */
export type Selection = { readonly vantages: readonly Vantage[]; readonly unmatched: readonly string[] };

/**
 * Makes a function that reads `from` lists: names, globs (`prod-*`, `?`), `kind=lambda`, `region=eu-*`, and labels of vantages
 * (`vantage_cluster=prod-a`). Several select together. Answers are kept per list, so that thousands of targets cost one.
 */
export const selector = (vantages: readonly Vantage[]): ((from: readonly string[]) => Selection) => {
  const known = new Map<string, Selection>();
  return (from) => {
    const key = from.join('\n');
    const before = known.get(key);
    if (before !== undefined) return before;
    const tests = from.map((text) => ({ text, matches: matcher(text) }));
    const selection = {
      vantages: vantages.filter((vantage) => tests.some(({ matches }) => matches(vantage))),
      unmatched: tests.filter(({ matches }) => !vantages.some(matches)).map(({ text }) => text),
    };
    known.set(key, selection);
    return selection;
  };
};

/** What to say of a selector that selects none. */
export const unmatchedText = (text: string, vantages: readonly Vantage[]): string => {
  const names = vantages.map(({ name }) => name);
  const guess = nearest(text, names);
  const hint = guess === undefined ? `known are ${names.slice(0, 20).join(', ')}` : `did you mean ${quoted(guess)}?`;
  return `${quoted(text)} matches no vantage; ${hint}`;
};

const matcher = (text: string): ((vantage: Vantage) => boolean) => {
  const at = text.indexOf('=');
  if (at === -1) {
    const fits = glob(text);
    return ({ name }) => fits(name);
  }
  const key = text.slice(0, at).trim();
  const fits = glob(text.slice(at + 1).trim());
  return (vantage) => {
    const value = labelOf(vantage, key);
    return value !== undefined && fits(value);
  };
};

const labelOf = ({ name, kind, region, labels }: Vantage, key: string): string | undefined => {
  if (key === 'kind' || key === 'vantage_kind') return kind;
  if (key === 'region' || key === 'vantage_region') return region;
  return key === 'name' || key === 'vantage' ? name : Object.hasOwn(labels, key) ? labels[key] : undefined;
};

/** Matches `*` and `?` from the left, going back to the last star only: quadratic at worst, never exponential. */
const glob =
  (pattern: string) =>
  (text: string): boolean => {
    let p = 0;
    let t = 0;
    let star = -1;
    let from = 0;
    while (t < text.length) {
      if (pattern[p] === '*') {
        star = p++;
        from = t;
      } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
        p += 1;
        t += 1;
      } else if (star !== -1) {
        p = star + 1;
        t = ++from;
      } else return false;
    }
    while (pattern[p] === '*') p += 1;
    return p === pattern.length;
  };
