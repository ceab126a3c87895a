import { setImmediate } from 'node:timers';
import { type JobName, jobOf, type Result, type Work } from './matcher-jobs.ts';
import { type LaneOptions, lanes, type Matched, type MatchRun } from './matcher-lanes.ts';

/**
 * Does what a peer's text can make expensive, above all regular expressions, without keeping other runs waiting: little work at once,
 * the rest in worker threads, with the run's signal as deadline. One per process: `kit.own('matcher', matcher)`.
 */
export type Matcher = AsyncDisposable & {
  /** Never rejects for what the text does. A failure has the phase `check`, and reason `timeout` where it took too long. */
  readonly run: <K extends JobName>(kind: K, work: Work<K>, run: MatchRun) => Promise<Matched<Result<K>>>;
  /** Worker threads that are there now. */
  readonly threads: () => number;
};

/** The most work that is done at once, in instructions times bytes: below 4 ms on a core of 2023, whatever the text is. */
const mostAtOnce = 50_000;

/** The most work of one run that is done so, in as many pieces as it likes. */
const mostOfRun = 200_000;

/** After so long other things get their turn, whichever runs the work was for. */
const mostPerTurnMs = 5;

/** Makes the matcher of one process. No thread is started before there is work for it. */
export const matcher = (options: LaneOptions = {}): Matcher => {
  const threads = lanes(options);
  const doneFor = new WeakMap<AbortSignal, number>();
  let spentMs = 0;
  let nextTurn: Promise<void> | undefined;
  const turn = async () => {
    while (spentMs >= mostPerTurnMs) {
      nextTurn ??= new Promise<void>((resolve) => {
        setImmediate(() => {
          spentMs = 0;
          nextTurn = undefined;
          resolve();
        });
      });
      await nextTurn;
    }
  };
  return {
    run: async (kind, work, run) => {
      const job = jobOf(kind);
      const cost = job.cost(work);
      const done = doneFor.get(run.signal) ?? 0;
      if (cost > mostAtOnce || done + cost > mostOfRun) return threads.submit(kind, work, run);
      doneFor.set(run.signal, done + cost);
      await turn();
      const startedAt = performance.now();
      const result = job.run(work);
      spentMs += performance.now() - startedAt;
      return { ok: true, result };
    },
    threads: threads.size,
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  };
};
