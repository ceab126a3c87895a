/** Values by key within a number of bytes: what was used least recently makes room for what is new. */
export type ByteCache<V> = {
  readonly get: (key: string) => V | undefined;
  /** Keeps a value of about so many bytes. A value larger than a sixteenth of the cache is not kept: it would displace the rest. */
  readonly set: (key: string, value: V, bytes: number) => void;
  /** Bytes of all values together. */
  readonly bytes: () => number;
};

/** Makes an empty cache of at most `limit` bytes, as its callers count them. */
export const byteCache = <V>(limit: number): ByteCache<V> => {
  const entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  let total = 0;
  const remove = (key: string) => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      // A map keeps the order in which keys were added, so the first key is the one that was used least recently.
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set: (key, value, bytes) => {
      remove(key);
      if (bytes > limit / 16) return;
      entries.set(key, { value, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= limit) break;
        remove(oldest);
      }
    },
    bytes: () => total,
  };
};
