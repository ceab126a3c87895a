import type { EpochMs } from '../kernel/check.ts';
import type { Deliveries } from './deliveries.ts';
import type { Log } from './log.ts';

/** The same trouble is told again so much later at the earliest, in milliseconds. */
const againAfter = 300_000;

/** What receivers say to a sample that is older than, or at the time of, one that they have of the same series. */
const notInOrder = /out.of.order|duplicate.(sample|timestamp)/i;

type Counted = ReturnType<Deliveries['counts']>;

/**
 * Tells the log what receivers do not take, and that they take it again. Wants to see the counts every few seconds. Each kind of
 * trouble with a receiver is told at once, then every five minutes at most, with how many samples it cost since.
 */
export const deliveryRemarks = (vantage: string, log: Log, now: () => EpochMs = Date.now): ((all: Counted) => void) => {
  let receivers = new Map<string, ReturnType<typeof remarks>>();
  return (all) => {
    receivers = new Map(
      all.map(({ endpoint: name }) => [name, receivers.get(name) ?? remarks(name, vantage, log, now)]),
    );
    for (const { endpoint, counts } of all) receivers.get(endpoint)?.(counts);
  };
};

const remarks = (endpoint: string, vantage: string, log: Log, now: () => EpochMs) => {
  const before = new Map<string, number>();
  const told = new Map<string, { at: EpochMs; samples: number }>();
  let silent = false;
  let toldSilent = false;

  /** What came since the last look. An endpoint whose settings changed counts from nothing. */
  const since = (what: string, count: number): number => {
    const known = before.get(what) ?? 0;
    before.set(what, count);
    return count < known ? count : count - known;
  };
  const tell = (what: string, samples: number, text: (samples: number) => string): boolean => {
    const last = told.get(what) ?? { at: Number.NEGATIVE_INFINITY, samples: 0 };
    told.set(what, last);
    last.samples += samples;
    if (last.samples === 0 || now() - last.at < againAfter) return false;
    log('error', text(last.samples));
    Object.assign(last, { at: now(), samples: 0 });
    return true;
  };

  return ({
    accepted,
    retries,
    rejected,
    lost,
    waiting,
    paused,
    lastProblem = 'no answer',
  }: Counted[number]['counts']) => {
    const refused = since(
      'refused',
      Object.values(rejected).reduce((sum, one) => sum + one, 0),
    );
    const answered = since('accepted', accepted) + refused > 0;
    const retried = since('retries', retries) > 0;
    if (toldSilent && answered) log('info', `${endpoint} answers again; ${waiting} samples wait`);
    toldSilent &&= !answered;
    silent = !answered && waiting > 0 && (silent || paused || retried);
    if (silent && tell('silent', waiting, () => `${endpoint} takes no samples: ${lastProblem}; ${waiting} wait`))
      toldSilent = true;
    const twins = notInOrder.test(lastProblem) ? `; does another agent push as vantage ${vantage}?` : '';
    tell('refused', refused, (samples) => `${endpoint} refused ${samples} samples: ${lastProblem}${twins}`);
    for (const [why, count] of Object.entries(lost))
      tell(why, since(why, count), (samples) => `${samples} samples for ${endpoint} were thrown away: ${why}`);
  };
};
