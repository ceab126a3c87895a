/** How much each check has used lately, in milliseconds. */
export type Usage = {
  readonly of: (key: string) => number;
  readonly add: (key: string, ms: number) => void;
};

type Entry = { readonly ms: number; readonly at: number };

/** After so long what was used counts for half. */
const halfLifeMs = 60_000;

const most = 2_000;

/** Makes an account. `now` in milliseconds, monotonic. */
export const usage = (now: () => number = () => performance.now()): Usage => {
  const entries = new Map<string, Entry>();
  const left = ({ ms, at }: Entry) => ms * 0.5 ** ((now() - at) / halfLifeMs);
  const of = (key: string) => {
    const entry = entries.get(key);
    return entry === undefined ? 0 : left(entry);
  };
  return {
    of,
    add: (key, ms) => {
      const sum = of(key) + ms;
      entries.delete(key);
      entries.set(key, { ms: sum, at: now() });
      if (entries.size <= most) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
  };
};
