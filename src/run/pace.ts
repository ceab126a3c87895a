import type { Check } from '../kernel/check.ts';

/** Spaces the starts of probes so that they do not make each other late. A `kind` is what costs alike, see {@link kindOf}. */
export type Pace = {
  /**
   * Waits until a probe of this kind may start; first come, first served. False if the signal fired before, or if it is not `wanted`
   * any more when it is the first in line: such a one takes no time from those behind it.
   */
  readonly turn: (kind: string, signal: AbortSignal, wanted?: () => boolean) => Promise<boolean>;
  /** Tells that a probe of this kind has ended: measures what probes cost. */
  readonly ended: (kind: string) => void;
  /** Milliseconds until the next start after one of this kind. */
  readonly spacing: (kind: string) => number;
};

/** Prober and scheme: a handshake makes a probe cost several times as much. */
export const kindOf = ({ module, target }: Check): string =>
  `${module.prober} ${/^[a-z][a-z\d+.-]*(?=:\/\/)/i.exec(target.address)?.[0] ?? ''}`;

/** What {@link pace} takes from outside. All times in milliseconds. */
export type PaceOptions = {
  /** How much of one core there is, 0.01 to 1; see `cpuShare`. */
  readonly share: number;
  /** Monotonic time. */
  readonly clock?: () => number;
  /** CPU time that the process has used so far. */
  readonly cpu?: () => number;
  /** Waits, or ends early when the signal fires. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/**
 * Starts are spaced by CPU per probe / CPU share / 0.6, and never come in a burst: Node serves its sockets on one core,
 * so probes that start together delay each other and blame the target. A limit of probes in flight would not help, since
 * waves of starts stay in step. CPU per probe is measured while probing.
 */
export const pace = (options: PaceOptions): Pace => {
  const { share, clock = monotonic, cpu = cpuOfProcess, sleep = wait } = options;
  const costs = new Map<string, number>();
  const costOf = (kind: string) => costs.get(kind) ?? firstGuess;
  const spacing = (kind: string) => costOf(kind) / share / busy;
  const ended = costMeter(costs, costOf, cpu);
  let free = clock();
  let line: Promise<unknown> = Promise.resolve();
  let inLine = 0;

  const takeTurn = async (kind: string, signal: AbortSignal, wanted: () => boolean): Promise<boolean> => {
    if (!wanted()) return false;
    let now = clock();
    // A timer counts from the last turn of the event loop, so it can end too early after a long one.
    for (; now < free && !signal.aborted; now = clock()) await sleep(free - now, signal);
    if (signal.aborted || !wanted()) return false;
    take(kind, now);
    return true;
  };
  const take = (kind: string, now: number) => {
    const step = spacing(kind);
    free = Math.max(free, now - Math.max(0, timerMs - step)) + step;
  };
  const turn: Pace['turn'] = (kind, signal, wanted = () => true) => {
    const now = clock();
    // Most probes find nobody waiting before them.
    if (inLine === 0 && now >= free && !signal.aborted && wanted()) {
      take(kind, now);
      return itsTurn;
    }
    inLine += 1;
    const mine = line
      .then(() => takeTurn(kind, signal, wanted))
      .finally(() => {
        inLine -= 1;
      });
    line = mine;
    return mine;
  };
  return { turn, ended, spacing };
};

const itsTurn = Promise.resolve(true);

/**
 * Timers are this coarse, in milliseconds. Starts that lie closer than that go several at a time: what a timer came too late is made up for,
 * up to this much.
 */
const timerMs = 3;

/** Above this share of its core a process makes its own probes late. */
const busy = 0.6;

/** Milliseconds of CPU that a probe is taken for until measured: an HTTPS probe's, before its code is warm. */
const firstGuess = 4;

/**
 * Ends of probes between two measurements. Few at first, so that the first ones of a list already count; more later, since asking the
 * system costs as much as a part of a cheap probe.
 */
const perMeasurement = { first: 8, later: 32, measurements: 64 };
/** How much of a measurement is believed at once. */
const trust = 0.3;
const bounds = { least: 0.1, most: 250 };

/**
 * CPU time cannot be told apart by probe while probes overlap. So each measurement compares what a few probes cost together
 * with what was expected of them, and moves each kind's figure by its part in the difference.
 */
const costMeter = (costs: Map<string, number>, costOf: (kind: string) => number, cpu: () => number) => {
  let since = cpu();
  let counted = 0;
  let measurements = 0;
  const counts = new Map<string, number>();
  return (kind: string): void => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    counted += 1;
    if (counted < (measurements < perMeasurement.measurements ? perMeasurement.first : perMeasurement.later)) return;
    measurements += 1;
    const now = cpu();
    let expected = 0;
    for (const [name, count] of counts) expected += count * costOf(name);
    // A measurement that is far off (loading code, a pause of the collector) moves the figures, but not far.
    const ratio = Math.min(2, Math.max(0.5, (now - since) / expected));
    for (const [name, count] of counts) {
      const part = (count * costOf(name)) / expected;
      const cost = costOf(name) * (1 + trust * part * (ratio - 1));
      costs.set(name, Math.min(bounds.most, Math.max(bounds.least, cost)));
    }
    since = now;
    counted = 0;
    counts.clear();
  };
};

const monotonic = () => performance.now();

const cpuOfProcess = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    // Timers cut fractions off.
    const timer = setTimeout(end, Math.ceil(ms));
    signal.addEventListener('abort', end, { once: true });
  });
