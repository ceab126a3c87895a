import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { EpochMs } from '../kernel/check.ts';
import type { Sample } from '../kernel/sample.ts';
import { type Backoff, backoffMs } from '../protocol/backoff.ts';
import type { Receipt, StreamSink } from '../sinks/sink.ts';
import { halvesOf, othersFirst, type Part } from './parts.ts';
import { unfit } from './prepare.ts';
import { refusedSeries } from './refused-series.ts';
import { allowance, mayCut, nextFirst, rescue } from './rescue.ts';
import { count, emptyTally } from './tally.ts';

/** What became of samples so far. Every sample added is in exactly one of accepted, dropped, rejected, lost and waiting. */
export type Counts = {
  readonly accepted: number;
  /** Thrown away by the receiver on purpose (status 202). */
  readonly dropped: number;
  /** Refused by the receiver for good, by status; those of a series that it refuses, which were left out, are counted as well. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Never sent or given up, by reason. */
  readonly lost: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly oldestWaiting: EpochMs | undefined;
  readonly requests: number;
  readonly retries: number;
  /** What the receiver, or the way to it, last objected to. */
  readonly lastProblem: string | undefined;
  readonly lastStatus: number | undefined;
  /** True while nothing can get better until a token or an address is mended. */
  readonly paused: boolean;
  readonly skewMs: number | undefined;
};

/** Samples and requests: counts; times: milliseconds. `now`, `random` and `sleep` are for tests. */
export type DeliveryOptions = Backoff & {
  /** The order that batches keep: one request of a group is under way at a time. */
  readonly group: string;
  readonly capacity: number;
  readonly maxSamplesPerSend: number;
  readonly batchDeadlineMs: number;
  readonly now?: () => EpochMs;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** The way of one group's samples to one sink. */
export type Delivery = AsyncDisposable & {
  readonly add: (samples: readonly Sample[]) => void;
  /** Adds more than there may be room for: as the sink takes it, and at once what is left when it pauses or the signal fires. */
  readonly addAll: (samples: readonly Sample[], signal: AbortSignal) => Promise<void>;
  /** Sends what waits; resolves when nothing does, when the sink pauses, or when the signal fires. */
  readonly flush: (signal: AbortSignal) => Promise<Counts>;
  readonly counts: () => Counts;
};

/** Attempts after which a batch that a receiver fails at is sent in parts. */
const splitAfter = 10;
/** Statuses of a receiver that refuses a request for some of its samples: their labels, mostly. */
const forSome: ReadonlySet<number | undefined> = new Set([400, 422]);
/** How long a paused sink is left alone, in milliseconds. */
const pauseMs = 30_000;

/** Starts a delivery: in order, one request at a time, in bounded memory. Nothing is sent before there is something to send. */
export const deliver = (sink: StreamSink, options: DeliveryOptions): Delivery => {
  const {
    group,
    capacity,
    maxSamplesPerSend,
    batchDeadlineMs,
    now = Date.now,
    random = Math.random,
    sleep = wait,
  } = options;
  const waiting: Sample[] = [];
  const tally = emptyTally();
  const refused = refusedSeries();
  const ofRescues = allowance();
  const stop = new AbortController();
  let parts: Part[] = [];
  let serial = 0;
  let pumping: Promise<void> | undefined;
  let flushing = 0;
  let paused = false;
  let wake = Promise.withResolvers<void>();
  const flushers = new Set<() => void>();
  let retryNow = () => {};

  const waitingCount = () => waiting.length + parts.reduce((sum, { batch }) => sum + batch.samples.length, 0);

  const add = (samples: readonly Sample[]) => {
    const time = now();
    for (const sample of samples) {
      const why = unfit(sample, time);
      if (why === undefined) waiting.push(sample);
      else count(tally.lost, why, 1);
    }
    const over = waiting.length - capacity;
    if (over > 0) {
      waiting.splice(0, over);
      count(tally.lost, 'capacity', over);
    }
    if (waiting.length >= maxSamplesPerSend) wake.resolve();
    start();
  };

  const start = () => {
    pumping ??= pump().finally(() => {
      pumping = undefined;
      // Samples may have come between the pump's last look and now.
      if (waitingCount() > 0 && !stop.signal.aborted) start();
    });
  };

  const pump = async (): Promise<void> => {
    while (!stop.signal.aborted && waitingCount() > 0) {
      if (parts.length === 0) {
        if (waiting.length < maxSamplesPerSend && flushing === 0) await filled();
        if (stop.signal.aborted) return;
        const samples = waiting.splice(0, maxSamplesPerSend).filter(isTried);
        if (samples.length === 0) continue;
        serial += 1;
        parts = [
          {
            batch: { id: `${group}/${serial}`, group, samples },
            attempts: 0,
            rescue: rescue(ofRescues),
            since: tally.accepted,
          },
        ];
      }
      await sendFirst();
    }
  };

  /** False for a sample of a series that the receiver refuses, which is counted. */
  const isTried = ({ series }: Sample): boolean => {
    const status = refused.statusOf(series, now());
    if (status !== undefined) count(tally.rejected, String(status), 1);
    return status === undefined;
  };

  /** Until a request is full, its samples are old enough, or somebody flushes. */
  const filled = async () => {
    wake = Promise.withResolvers<void>();
    const timer = setTimeout(() => wake.resolve(), batchDeadlineMs);
    await wake.promise;
    clearTimeout(timer);
  };

  const sendFirst = async () => {
    parts = [...nextFirst(parts)];
    const [part] = parts;
    if (part === undefined) return;
    part.attempts += 1;
    tally.requests += 1;
    if (part.attempts > 1) tally.retries += 1;
    // A sink never rejects. One that does all the same must not end deliveries for good.
    const receipt = await (async () => sink.send(part.batch, part.attempts, stop.signal))().catch(() => ownError);
    if (stop.signal.aborted && receipt.kind === 'retry') return;
    note(receipt);
    await act(part, receipt);
  };

  const note = ({ why, status, skewMs, kind }: Receipt) => {
    if (why !== undefined) tally.lastProblem = why;
    if (status !== undefined) tally.lastStatus = status;
    if (skewMs !== undefined) tally.skewMs = skewMs;
    paused = kind === 'pause';
  };

  const act = async (part: Part, receipt: Receipt): Promise<void> => {
    const { length } = part.batch.samples;
    switch (receipt.kind) {
      case 'accepted':
        parts.shift();
        part.rescue.accepted = true;
        refused.accept(part.batch.samples);
        if (receipt.dropped === true) tally.dropped += length;
        else tally.accepted += length;
        return;
      case 'split':
        if (length > 1) halve(part);
        else reject(part, receipt);
        return;
      case 'refused':
        // A receiver that refuses a request for one of its samples has stored none of the others either.
        if (forSome.has(receipt.status) && mayCut(part)) halve(part);
        else reject(part, receipt);
        return;
      case 'pause':
        await pauseUntilMended();
        return;
      case 'retry':
        await retryLater(part, receipt);
        return;
      default:
        receipt.kind satisfies never;
    }
  };

  const reject = (part: Part, { kind, status }: Receipt) => {
    const { samples } = part.batch;
    parts.shift();
    count(tally.rejected, String(status ?? 'unknown'), samples.length);
    const [only, ...others] = samples;
    if (kind !== 'refused' || status === undefined || !forSome.has(status) || !part.rescue.accepted) return;
    if (only !== undefined && others.length === 0) refused.refuse(only, status, now());
  };

  const halve = (part: Part) => {
    parts.splice(0, 1, ...halvesOf(part, tally.accepted));
  };

  const retryLater = async (part: Part, receipt: Receipt) => {
    const isFailing = receipt.status === 500 || receipt === ownError;
    const poisonous = isFailing && part.attempts % splitAfter === 0;
    if (poisonous && part.batch.samples.length > 1) return halve(part);
    if (poisonous && tally.accepted > part.since) {
      // Others went through since this one began to fail, so it is not the receiver that is down.
      parts.shift();
      return count(tally.lost, 'poisonous', 1);
    }
    if (isFailing) {
      const ordered = othersFirst(parts);
      // What follows is all of its own series: only what comes after a sample can tell whether it is to blame.
      parts = poisonous && ordered[0] === part ? [...parts.slice(1), part] : ordered;
    }
    await sleep(receipt.afterMs ?? backoffMs(options, part.attempts, random), stop.signal);
  };

  /** Until the sink has been left alone long enough, or somebody flushes and wants to know how things stand. */
  const pauseUntilMended = async () => {
    for (const look of flushers) look();
    const limit = new AbortController();
    retryNow = () => limit.abort();
    await sleep(pauseMs, AbortSignal.any([limit.signal, stop.signal]));
    retryNow = () => {};
  };

  const flush = async (signal: AbortSignal): Promise<Counts> => {
    flushing += 1;
    let look = () => {};
    const end = () => look();
    flushers.add(end);
    signal.addEventListener('abort', end, { once: true });
    paused = false;
    retryNow();
    wake.resolve();
    while (pumping !== undefined && !signal.aborted && !paused) {
      const changed = Promise.withResolvers<void>();
      look = changed.resolve;
      await Promise.race([pumping, changed.promise]);
    }
    signal.removeEventListener('abort', end);
    flushers.delete(end);
    flushing -= 1;
    return counts();
  };

  const addAll = async (samples: readonly Sample[], signal: AbortSignal): Promise<void> => {
    const portion = Math.min(maxSamplesPerSend, capacity);
    for (let from = 0; from < samples.length; from += portion) {
      if (waiting.length + portion > capacity) await flush(signal);
      add(samples.slice(from, from + portion));
    }
  };

  const counts = (): Counts => ({
    ...tally,
    rejected: { ...tally.rejected },
    lost: { ...tally.lost },
    waiting: waitingCount(),
    oldestWaiting: parts[0]?.batch.samples[0]?.at ?? waiting[0]?.at,
    paused,
  });

  return {
    add,
    addAll,
    flush,
    counts,
    [Symbol.asyncDispose]: async () => {
      stop.abort('stopped');
      wake.resolve();
      await pumping;
      await sink[Symbol.asyncDispose]();
    },
  };
};

/** Like a receiver that fails at a batch: a part of it may be the cause, and is found by halving. */
const ownError: Receipt = { kind: 'retry', why: 'an error in this program; please report it' };

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeoutPromise(ms, undefined, { signal }).catch(() => {});
