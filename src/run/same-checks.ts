import type { Check } from '../kernel/check.ts';

/** The checks of a new list; those that are as before are the same objects as before, so that what is kept of them stays. */
export const sameChecks = (before: readonly Check[], after: readonly Check[]): readonly Check[] => {
  const textOf = checkText();
  const known = new Map(before.map((check) => [textOf(check), check]));
  return after.map((check) => known.get(textOf(check)) ?? check);
};

/** A check as text, with its settings as a number: those that many checks share are written out once. */
const checkText = () => {
  const places = new Map<unknown, number>();
  const texts = new Map<string, number>();
  const placeOf = (settings: unknown): number => {
    const known = places.get(settings);
    if (known !== undefined) return known;
    const text = JSON.stringify(settings) ?? '';
    const place = texts.get(text) ?? texts.size;
    texts.set(text, place);
    places.set(settings, place);
    return place;
  };
  return (check: Check): string =>
    JSON.stringify({ ...check, module: { ...check.module, settings: placeOf(check.module.settings) } });
};
