/**
 * Collects now what nobody uses any more, which takes some ten milliseconds. After something was read that is much larger than what is
 * kept of it: V8 would let as much pile up again before it collects, and keeps what it once took. Only the launcher of an agent makes
 * this known to us; without it V8 does as it likes.
 */
export const collectGarbage = (): void => globalThis.gc?.();
