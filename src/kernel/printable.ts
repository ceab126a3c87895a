/**
 * Text as it may stand on a terminal, in a log or on a page. What a peer sent could hold escape sequences, so control characters
 * and line separators, and those that turn the direction of writing, are shown as `\xNN` or `\uNNNN`; halves of surrogate pairs are
 * replaced by U+FFFD.
 */
export const printable = (text: string): string =>
  unprintable.test(text) ? text.toWellFormed().replaceAll(everyUnprintable, shown) : text;

/** Whether {@link printable} leaves a text as it is. */
export const isPrintable = (text: string): boolean => !unprintable.test(text);

/** With the flag `u`, `\p{Cs}` is a half of a pair without its other half. */
const unprintable = /[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/u;
const everyUnprintable = new RegExp(unprintable.source, 'gu');

const shown = (character: string): string => {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
};
