import type { Socket } from 'node:net';
import type { Seconds } from '../kernel/check.ts';
import { type Failure, failure, type Phase } from '../kernel/reason.ts';
import type { ResponseHead } from '../protocol/http1-head.ts';
import type { ResponseProblem } from '../protocol/http1-reader.ts';
import type { RequestParts } from '../protocol/http1-request.ts';
import { failureOf } from './failure.ts';

/**
 * What takes a response as it comes in. `onHead` and `onBody` end the exchange by returning false: the rest is not wanted. A promise of
 * `onBody` means that no more can be taken before it resolves, to the same; until then nothing is read, and so the peer cannot send.
 */
export type ResponseTaker = {
  readonly onInterim: (head: ResponseHead) => void;
  readonly onHead: (head: ResponseHead) => boolean;
  readonly onBody: (bytes: Uint8Array) => boolean | Promise<boolean>;
};

/**
 * How an exchange ended. `firstByteAt` and `endedAt` are seconds since the run's start; `endedAt` is there when the response is complete
 * or the taker has ended it.
 */
export type Exchanged = { readonly firstByteAt?: Seconds; readonly endedAt?: Seconds; readonly failure?: Failure };

/** Sends a request on a connection of its own and hands the response to the taker. Never rejects; the socket is destroyed at the end. */
export type HttpExchange = (
  socket: Socket,
  request: RequestParts,
  taker: ResponseTaker,
  signal: AbortSignal,
  mark: (what: string) => Seconds,
) => Promise<Exchanged>;

/** How long a request with `Expect: 100-continue` waits before it sends its body all the same, in milliseconds; Go waits as long. */
export const continueAfterMs = 1_000;

/** The error of a connection that the peer closed in order before the response was complete. */
export const closedEarly = { code: 'ERR_STREAM_PREMATURE_CLOSE' };

/** The failure of a request that cannot be written. */
export const unwritable = failure('target_invalid', 'setup', 'a header cannot be sent: it has a control character');

/** The failure of a response that cannot be used. What ended the connection before says more: our time limit, or an error of the socket. */
export const responseFailure = (
  { kind, detail }: ResponseProblem,
  phase: Phase,
  problem: unknown,
  signal: AbortSignal,
): Failure =>
  signal.aborted || problem !== undefined
    ? failureOf(problem, phase, signal)
    : failure(reasons[kind], phase, `the response ${detail}`);

const reasons = {
  malformed: 'protocol_error',
  head_too_large: 'headers_too_large',
  incomplete: 'connection_closed',
} as const;
