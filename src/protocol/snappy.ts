import snappy from 'snappyjs';

/**
 * Compresses in snappy's block format, which remote write demands.
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
export const compress = (bytes: Uint8Array): Uint8Array => snappy.compress(bytes);

/** What {@link uncompress} gives. */
export type Uncompressed =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly why: string };

/** The inverse of {@link compress}. Refuses rubbish, and what would be longer than `limit` bytes before it takes any memory. */
export const uncompress = (bytes: Uint8Array, limit: number): Uncompressed => {
  try {
    return { ok: true, bytes: snappy.uncompress(bytes, limit) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : 'not snappy' };
  }
};
