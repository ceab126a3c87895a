import type { Sample } from '../kernel/sample.ts';
import type { StateSink } from './sink.ts';

/** The latest sample of each series, in this process. Series that ended are gone. */
export type Memory = StateSink & { readonly latest: () => readonly Sample[] };

/** An empty memory. Series are told apart by their names and labels. */
export const memory = (): Memory => {
  const samples = new Map<string, Sample>();
  return {
    kind: 'state',
    put: (latest) => {
      for (const sample of latest) {
        const key = JSON.stringify([sample.series.metric.name, sample.series.labels]);
        const known = samples.get(key);
        if (known !== undefined && known.at > sample.at) continue;
        if (sample.value === 'stale') samples.delete(key);
        else samples.set(key, sample);
      }
      return Promise.resolve({ kind: 'accepted' });
    },
    latest: () => [...samples.values()],
    [Symbol.asyncDispose]: () => Promise.resolve(samples.clear()),
  };
};
