/**
 * A value as JSON on one line, or indented by `indent`, in which no character can move a cursor or turn the direction of writing:
 * `JSON.stringify` escapes only those below U+0020. Such characters stand in strings alone, so the escapes mean the same.
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-7
 */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    escaped,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const escaped = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu;
