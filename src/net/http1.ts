import type { Socket } from 'node:net';
import type { Seconds } from '../kernel/check.ts';
import { type Failure, failure } from '../kernel/reason.ts';
import type { ResponseHead } from '../protocol/http1-head.ts';
import { type ResponseProblem, responseReader } from '../protocol/http1-reader.ts';
import { type RequestParts, requestBytes } from '../protocol/http1-request.ts';
import { failureOf } from './failure.ts';

/** What takes a response as it comes in. `onHead` and `onBody` end the exchange by returning false. */
export type ResponseTaker = {
  readonly onInterim: (head: ResponseHead) => void;
  readonly onHead: (head: ResponseHead, at: Seconds) => boolean;
  readonly onBody: (bytes: Uint8Array) => boolean;
};

/**
 * How an exchange ended. `firstByteAt` and `endedAt` are seconds since the run's start; `endedAt` is there when the response is complete
 * or the taker has ended it.
 */
export type Exchanged = { readonly firstByteAt?: Seconds; readonly endedAt?: Seconds; readonly failure?: Failure };

/** How long a request with `Expect: 100-continue` waits before it sends its body all the same; Go waits as long. */
const continueAfterMs = 1_000;

/**
 * Sends a request on a connection of its own and hands the response to the taker. A response is complete by its own framing, or when the
 * peer closes in order where it has none; a reset, an error and the time limit are failures. Never rejects; the socket is destroyed.
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export const exchangeHttp1 = (
  socket: Socket,
  request: RequestParts,
  taker: ResponseTaker,
  signal: AbortSignal,
  mark: (what: string) => Seconds,
): Promise<Exchanged> =>
  new Promise((resolve) => {
    let firstByteAt: Seconds | undefined;
    let problem: unknown;
    let isOver = false;
    let waiting: NodeJS.Timeout | undefined;
    const end = (rest: Omit<Exchanged, 'firstByteAt'>) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(waiting);
      socket.destroy();
      resolve({ ...(firstByteAt === undefined ? {} : { firstByteAt }), ...rest });
    };
    const phase = () => (firstByteAt === undefined ? 'processing' : 'transfer');
    const complete = () => end({ endedAt: mark('transferred') });
    const wanted = (isWanted: boolean): boolean => {
      if (!isWanted) complete();
      return isWanted;
    };
    const reader = responseReader(request.method, {
      onInterim: (head) => {
        taker.onInterim(head);
        if (head.status === 100) sendBody();
      },
      onHead: (head) => wanted(taker.onHead(head, firstByteAt ?? mark('answered'))),
      onBody: (bytes) => wanted(taker.onBody(bytes)),
      onEnd: complete,
      onProblem: (found) => end({ failure: failureFrom(found, phase(), problem, signal) }),
    });
    const bytes = requestBytes(request);
    if (bytes === undefined)
      return end({
        failure: failure('target_invalid', 'setup', 'a header cannot be sent: it has a control character'),
      });

    let isBodySent = bytes.body === undefined;
    const sendBody = () => {
      if (isBodySent || isOver || bytes.body === undefined) return;
      isBodySent = true;
      clearTimeout(waiting);
      socket.write(bytes.body);
    };
    // The first error counts: behind the alert of a TLS server the connection ends in order (RFC 8446, section 6).
    socket.on('error', (error) => {
      problem ??= error;
    });
    socket.on('data', (chunk: Buffer) => {
      firstByteAt ??= mark('answered');
      reader.push(chunk);
    });
    socket.once('end', () => {
      if (problem === undefined && !signal.aborted) reader.close();
    });
    socket.once('close', () => end({ failure: failureOf(problem ?? closed, phase(), signal) }));
    if (socket.destroyed) return end({ failure: failureOf(problem ?? closed, phase(), signal) });
    socket.write(bytes.head);
    if (bytes.awaitsContinue) waiting = setTimeout(sendBody, continueAfterMs);
    else sendBody();
  });

/** The peer closed in order. */
const closed = { code: 'ERR_STREAM_PREMATURE_CLOSE' };

const failureFrom = (
  { kind, detail }: ResponseProblem,
  phase: 'processing' | 'transfer',
  problem: unknown,
  signal: AbortSignal,
): Failure => {
  if (signal.aborted || problem !== undefined) return failureOf(problem, phase, signal);
  const reason = reasons[kind];
  return failure(reason, phase, `the response ${detail}`);
};

const reasons = {
  malformed: 'protocol_error',
  head_too_large: 'headers_too_large',
  incomplete: 'connection_closed',
} as const;
