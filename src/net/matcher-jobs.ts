import { judgeRecords, type RecordTexts, recordsCost } from '../protocol/dns-judge.ts';
import { type Groups, patternCost } from '../protocol/pattern.ts';
import { patternFor } from '../protocol/pattern-cache.ts';

/**
 * A kind of work that text from a peer can make expensive. Work and result are plain data, since they may go to a worker and come back.
 */
export type JobKind<W, R> = {
  /** The most that the work can cost, in instructions times bytes, without doing any of it. */
  readonly cost: (work: W) => number;
  readonly run: (work: W) => R;
  /** What was to be done, for the sentence that says that it took too long. */
  readonly subject: (work: W) => string;
};

/** Which is the first of the expressions for which it is `wanted` that any of the inputs matches? */
export type Search = {
  readonly expressions: readonly string[];
  readonly inputs: readonly (string | Uint8Array)[];
  readonly wanted: boolean;
};

/** What does the expression capture? */
export type Capture = { readonly expression: string; readonly input: Uint8Array };

const search: JobKind<Search, number> = {
  cost: ({ expressions, inputs }) =>
    expressions.reduce((sum, text) => sum + inputs.reduce((all, input) => all + patternCost(text, input.length), 0), 0),
  run: ({ expressions, inputs, wanted }) =>
    expressions.findIndex((text) => inputs.some((input) => patternFor(text).test(input)) === wanted),
  subject: ({ expressions, inputs }) => subjectOf(expressions, lengthOf(inputs)),
};

const capture: JobKind<Capture, Groups | undefined> = {
  // Captures take the slower way, and only of what matches.
  cost: ({ expression, input }) => 3 * patternCost(expression, input.length),
  // Most lines of a talkative peer do not match, and to test is cheaper than to capture.
  run: ({ expression, input }) => {
    const pattern = patternFor(expression);
    return pattern.test(input) ? pattern.groups(input) : undefined;
  },
  subject: ({ expression, input }) => subjectOf([expression], input.length),
};

const records: JobKind<RecordTexts, string | undefined> = {
  cost: recordsCost,
  run: judgeRecords,
  subject: ({ texts, rules }) => subjectOf(Object.values(rules).flat(), lengthOf(texts)),
};

const lengthOf = (inputs: readonly (string | Uint8Array)[]): number =>
  inputs.reduce((sum, { length }) => sum + length, 0);

const subjectOf = (expressions: readonly string[], bytes: number): string => {
  const [first = '', ...more] = expressions;
  const shown = first.length > mostShown ? `${first.slice(0, mostShown)}…` : first;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  return `${shown}${others} on ${bytes} bytes`;
};

const mostShown = 100;

/** THE table of what a matcher does. Another engine is another row. */
export const jobs = { search, capture, records } as const;

/** A key of {@link jobs}. */
export type JobName = keyof typeof jobs;

/** What a kind of job takes. */
export type Work<K extends JobName> = Parameters<(typeof jobs)[K]['run']>[0];

/** What a kind of job gives. */
export type Result<K extends JobName> = ReturnType<(typeof jobs)[K]['run']>;

/** A row of the table, whichever it is. */
export const jobOf = <K extends JobName>(kind: K): JobKind<Work<K>, Result<K>> =>
  // safe: the row of a key takes and gives what the key's types say
  jobs[kind] as unknown as JobKind<Work<K>, Result<K>>;
