import type { Endpoint } from '../config/endpoint.ts';
import { samplesPerRun } from '../generate/expected-samples.ts';
import type { Check } from '../kernel/check.ts';
import type { Log } from './log.ts';

/** A queue that holds less than this is worth a word, in seconds: a receiver that starts anew is away for a minute or two. */
const enoughSeconds = 300;

/** Memory that a waiting sample takes, in bytes; measured over a million of them. */
const bytesPerSample = 100;

/**
 * Warns of receivers whose queue is full before five minutes without them are over, once for each capacity of each. Wants to see
 * every list that comes into use.
 */
export const shortQueues = (log: Log): ((checks: readonly Check[], endpoints: readonly Endpoint[]) => void) => {
  const told = new Set<string>();
  return (checks, endpoints) => {
    const perSecond = checks.reduce((sum, check) => sum + samplesPerRun(check) / (check.target.intervalMs / 1_000), 0);
    for (const { name, settings } of endpoints) {
      const { capacity } = settings.queue_config;
      const key = JSON.stringify([name, capacity]);
      if (capacity >= perSecond * enoughSeconds || told.has(key)) continue;
      told.add(key);
      const enough = roundedUp(perSecond * enoughSeconds);
      log(
        'warn',
        `${name} may be away for ${Math.floor(capacity / perSecond)} s before samples are thrown away: ${Math.round(perSecond)} of them come a second; queue_config.capacity: ${enough} keeps those of 5 minutes, in ${Math.ceil((enough * bytesPerSample) / 1e6)} MB`,
      );
    }
  };
};

/** The next number with two digits and noughts. */
const roundedUp = (count: number): number => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return Math.ceil(count / step) * step;
};
