import type { Seconds } from '../kernel/check.ts';
import { noteRead } from '../kernel/garbage.ts';
import { responseReader } from '../protocol/http1-reader.ts';
import { requestBytes } from '../protocol/http1-request.ts';
import { failureOf } from './failure.ts';
import {
  closedEarly,
  continueAfterMs,
  type Exchanged,
  type HttpExchange,
  responseFailure,
  unwritable,
} from './http-exchange.ts';

/**
 * An exchange of HTTP/1.1. A response is complete by its own framing, or when the peer closes in order where it has none; a reset, an
 * error and the time limit are failures. `firstByteAt` is that of the first byte of all, an interim response's too, as Go counts it.
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export const exchangeHttp1: HttpExchange = (socket, request, taker, signal, mark) =>
  new Promise((resolve) => {
    let firstByteAt: Seconds | undefined;
    let problem: unknown;
    let isOver = false;
    let isWaiting = false;
    let isEnded = false;
    let waiting: NodeJS.Timeout | undefined;
    const end = (rest: Omit<Exchanged, 'firstByteAt'>) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(waiting);
      signal.removeEventListener('abort', fail);
      socket.destroy();
      resolve({ ...(firstByteAt === undefined ? {} : { firstByteAt }), ...rest });
    };
    const fail = () => end({ failure: failureOf(problem ?? closedEarly, phase(), signal) });
    const phase = () => (firstByteAt === undefined ? 'processing' : 'transfer');
    const complete = () => end({ endedAt: mark('transferred') });
    const goOn = (isWanted: boolean): boolean => {
      if (!isWanted) complete();
      return isWanted;
    };
    const waitFor = async (taken: Promise<boolean>) => {
      isWaiting = true;
      socket.pause();
      const isWanted = await taken;
      isWaiting = false;
      if (isOver || !goOn(isWanted)) return;
      reader.resume();
      if (isEnded) readEnd();
      else socket.resume();
    };
    const readEnd = () => {
      if (!isWaiting && problem === undefined && !signal.aborted) reader.close();
    };
    const reader = responseReader(request.method, {
      onInterim: (head) => {
        taker.onInterim(head);
        if (head.status === 100) sendBody();
      },
      onHead: (head) => goOn(taker.onHead(head)),
      onBody: (bytes) => {
        const taken = taker.onBody(bytes);
        if (typeof taken === 'boolean') return goOn(taken);
        void waitFor(taken);
        return 'wait';
      },
      onEnd: complete,
      onProblem: (found) => end({ failure: responseFailure(found, phase(), problem, signal) }),
    });
    const bytes = requestBytes(request);
    if (bytes === undefined) return end({ failure: unwritable });
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
      // A TLS connection with a record that cannot be read does not close by itself (Node 24).
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      firstByteAt ??= mark('answered');
      reader.push(chunk);
      noteRead(chunk.length);
    });
    socket.once('end', () => {
      isEnded = true;
      readEnd();
    });
    socket.once('close', () => {
      // All that was sent is here; what the taker has not taken yet decides.
      if (isEnded && isWaiting && problem === undefined && !signal.aborted)
        signal.addEventListener('abort', fail, { once: true });
      else fail();
    });
    if (socket.destroyed) return fail();
    socket.write(bytes.head);
    if (bytes.awaitsContinue) waiting = setTimeout(sendBody, continueAfterMs);
    else sendBody();
  });
