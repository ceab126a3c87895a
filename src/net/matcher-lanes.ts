import { availableParallelism } from 'node:os';
import { type Failure, failure } from '../kernel/reason.ts';
import { type JobName, jobOf, type Result, type Work } from './matcher-jobs.ts';
import { startThread, type Thread } from './matcher-thread.ts';
import { usage } from './matcher-usage.ts';
import type { WorkerReply, WorkerRequest } from './matcher-worker.ts';

/** Whose work it is, and until when it is wanted. `key` is the same for all runs of one check. */
export type MatchRun = { readonly key: string; readonly signal: AbortSignal };

/** The result of a job, or why there is none. */
export type Matched<R> = { readonly ok: true; readonly result: R } | { readonly ok: false; readonly failure: Failure };

/** Worker threads that share out the work of many runs. */
export type Lanes = AsyncDisposable & {
  readonly submit: <K extends JobName>(kind: K, work: Work<K>, run: MatchRun) => Promise<Matched<Result<K>>>;
  /** Threads that are there now. */
  readonly size: () => number;
};

/** Figures of the lanes; each has a default. */
export type LaneOptions = {
  /** How long a job may have the quick lane, which is for all. */
  readonly sliceMs?: number;
  /** How long a job may take at all. */
  readonly mostMs?: number;
  /** Threads beside the quick one, for jobs that take longer. */
  readonly slow?: number;
  /** How long a thread waits for more work: the quick one, and a slow one. */
  readonly idleMs?: number;
  readonly slowIdleMs?: number;
};

type Job = {
  readonly request: WorkerRequest;
  readonly cost: number;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly settle: (matched: Matched<unknown>) => void;
  readonly stop: () => void;
  isSlow: boolean;
};

type Lane = {
  readonly thread: Thread;
  job: Job | undefined;
  isReady: boolean;
  isSlow: boolean;
  since: number;
  timer?: NodeJS.Timeout;
};

/**
 * One quick lane for all, and a few slow ones. A job that has had its slice of the quick lane takes the thread with it into the slow
 * ones, or, where those are all taken, loses the thread and waits for one: so no job keeps the others waiting for longer than a slice.
 * The check that has used least lately is next, and of equals the smaller job; a check that was slow begins in the slow lanes, so that a few hostile checks wait for each
 * other. A job ends after `mostMs` or with its run's signal, and its thread with it: nothing else stops a search.
 */
export const lanes = (options: LaneOptions = {}): Lanes => {
  const { sliceMs = 150, mostMs = 5_000, idleMs = 120_000, slowIdleMs = 10_000 } = options;
  const { slow: mostSlow = Math.max(1, Math.min(4, availableParallelism() - 1)) } = options;
  const all = new Set<Lane>();
  const ending = new Set<Promise<unknown>>();
  const waiting: Job[] = [];
  const used = usage();

  const count = (isSlow: boolean) => [...all].filter((lane) => lane.isSlow === isSlow).length;

  const settle = (job: Job, matched: Matched<unknown>) => {
    job.signal.removeEventListener('abort', job.stop);
    job.settle(matched);
  };

  const end = (lane: Lane) => {
    clearTimeout(lane.timer);
    all.delete(lane);
    const over = lane.thread.end().finally(() => ending.delete(over));
    ending.add(over);
  };

  /** Takes the job off a lane and counts what it has used. */
  const take = (lane: Lane): Job | undefined => {
    const { job } = lane;
    clearTimeout(lane.timer);
    lane.job = undefined;
    if (job !== undefined && lane.isReady) used.add(job.key, performance.now() - lane.since);
    return job;
  };

  const arm = (lane: Lane, ms: number) => {
    clearTimeout(lane.timer);
    lane.timer = setTimeout(() => expired(lane), ms);
  };

  const begin = (lane: Lane) => {
    lane.since = performance.now();
    arm(lane, lane.isSlow ? mostMs : sliceMs);
  };

  const rest = (lane: Lane) => {
    lane.timer = setTimeout(() => end(lane), lane.isSlow ? slowIdleMs : idleMs).unref();
  };

  const expired = (lane: Lane) => {
    if (!lane.isSlow && count(true) < mostSlow) {
      lane.isSlow = true;
      arm(lane, mostMs - sliceMs);
      return pump();
    }
    const job = take(lane);
    end(lane);
    if (job === undefined) return;
    if (lane.isSlow) settle(job, { ok: false, failure: tooLong(job, `took more than ${mostMs} ms`) });
    else {
      job.isSlow = true;
      waiting.push(job);
    }
    pump();
  };

  const open = (isSlow: boolean): Lane => {
    const lane: Lane = {
      thread: startThread({
        onReply: (reply) => replied(lane, reply),
        onGone: (code) => {
          const job = take(lane);
          all.delete(lane);
          if (job !== undefined) settle(job, { ok: false, failure: lost(job, code) });
          pump();
        },
      }),
      job: undefined,
      isReady: false,
      isSlow,
      since: 0,
    };
    all.add(lane);
    return lane;
  };

  const replied = (lane: Lane, reply: WorkerReply) => {
    if (reply.is === 'ready') {
      lane.isReady = true;
      if (lane.job !== undefined) begin(lane);
      return;
    }
    const job = take(lane);
    if (job !== undefined)
      settle(
        job,
        reply.is === 'done'
          ? { ok: true, result: reply.result }
          : { ok: false, failure: failure('unexpected', 'check', `${subjectOf(job)} threw ${reply.name}`) },
      );
    pump();
    if (lane.job === undefined) rest(lane);
  };

  const isBefore = (one: Job, other: Job): boolean => {
    const difference = used.of(one.key) - used.of(other.key);
    return Math.abs(difference) < 1 ? one.cost < other.cost : difference < 0;
  };

  const next = (isSlow: boolean): Job | undefined => {
    const jobs = waiting.filter((job) => job.isSlow === isSlow);
    return jobs.reduce<Job | undefined>(
      (least, job) => (least === undefined || isBefore(job, least) ? job : least),
      undefined,
    );
  };

  const pump = () => {
    for (const isSlow of [false, true]) {
      for (let job = next(isSlow); job !== undefined; job = next(isSlow)) {
        const idle = [...all].find((lane) => lane.isSlow === isSlow && lane.job === undefined);
        if (idle === undefined && count(isSlow) >= (isSlow ? mostSlow : 1)) break;
        const lane = idle ?? open(isSlow);
        waiting.splice(waiting.indexOf(job), 1);
        clearTimeout(lane.timer);
        lane.job = job;
        lane.thread.post(job.request);
        if (lane.isReady) begin(lane);
      }
    }
  };

  const stop = (job: Job) => {
    const at = waiting.indexOf(job);
    if (at !== -1) waiting.splice(at, 1);
    for (const lane of all) {
      if (lane.job !== job) continue;
      take(lane);
      end(lane);
    }
    settle(job, { ok: false, failure: tooLong(job, 'was not done within the time limit') });
    pump();
  };

  return {
    size: () => all.size,
    submit: <K extends JobName>(kind: K, work: Work<K>, { key, signal }: MatchRun) =>
      new Promise<Matched<Result<K>>>((resolve) => {
        const job: Job = {
          request: { kind, work },
          cost: jobOf(kind).cost(work),
          key,
          signal,
          // safe: a worker runs the same row of the table
          settle: (matched) => resolve(matched as Matched<Result<K>>),
          stop: () => stop(job),
          isSlow: used.of(key) >= sliceMs,
        };
        if (signal.aborted) return job.stop();
        signal.addEventListener('abort', job.stop, { once: true });
        waiting.push(job);
        pump();
      }),
    [Symbol.asyncDispose]: async () => {
      for (const job of waiting.splice(0)) job.stop();
      for (const lane of all) {
        const job = take(lane);
        end(lane);
        if (job !== undefined) settle(job, { ok: false, failure: tooLong(job, 'was stopped') });
      }
      await Promise.all(ending);
    },
  };
};

const subjectOf = ({ request: { kind, work } }: Job): string => `matching ${jobOf(kind).subject(work)}`;

const tooLong = (job: Job, what: string): Failure => failure('timeout', 'check', `${subjectOf(job)} ${what}`);

/** A thread that ends on its own has run out of memory, or could not be started. */
const lost = (job: Job, code: string): Failure =>
  code === 'ERR_WORKER_OUT_OF_MEMORY' || code === 'ERR_WORKER_INIT_FAILED'
    ? failure('local_resources', 'check', `${subjectOf(job)} took more memory than there is for it`)
    : failure('unexpected', 'check', `${subjectOf(job)} ended its thread${code === '' ? '' : `: ${code}`}`);
