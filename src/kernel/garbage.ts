/**
 * Collects now what nobody uses any more, which takes some ten milliseconds. After something was read that is much larger than what is
 * kept of it: V8 would let as much pile up again before it collects, and keeps what it once took. Only the launcher of an agent makes
 * this known to us; without it V8 does as it likes.
 */
export const collectGarbage = (): void => globalThis.gc?.();

/** Bytes read after which what was read is collected. */
const readBetween = 2 * 1_024 * 1_024;
let readSince = 0;

/**
 * Counts bytes that were read and are not kept. V8 lets buffers of a peer at full speed pile up to more than a hundred MB before it
 * collects them; a collection of the young ones alone takes less than a tenth of a millisecond. Does nothing without the launcher.
 */
export const noteRead = (bytes: number): void => {
  readSince += bytes;
  if (readSince < readBetween) return;
  readSince = 0;
  globalThis.gc?.({ type: 'minor' });
};
