import type { Seconds } from '../kernel/check.ts';
import { noteRead } from '../kernel/garbage.ts';
import type { ResponseProblem } from '../protocol/http1-reader.ts';
import { http2Reader } from '../protocol/http2-reader.ts';
import { http2RequestBytes } from '../protocol/http2-request.ts';
import { failureOf } from './failure.ts';
import {
  closedEarly,
  continueAfterMs,
  type Exchanged,
  type HttpExchange,
  responseFailure,
  unwritable,
} from './http-exchange.ts';

/** Bytes that wait to be sent, above which nothing more is read: a peer that sends PINGs and reads nothing. */
const mostWaiting = 1_048_576;

/**
 * Sends a request on a connection of its own that has agreed on HTTP/2, and hands the response to the taker. A response is complete at
 * the end of its stream. `firstByteAt` is when its first HEADERS frame began, an interim response's too, as Go
 * counts it. Never rejects; the socket is destroyed.
 * @see https://www.rfc-editor.org/rfc/rfc9113
 */
export const exchangeHttp2: HttpExchange = (socket, request, taker, signal, mark) =>
  new Promise((resolve) => {
    let firstByteAt: Seconds | undefined;
    let problem: unknown;
    let isOver = false;
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
    const wanted = (isWanted: boolean): boolean => {
      if (!isWanted) complete();
      return isWanted;
    };
    const bytes = http2RequestBytes(request, 'encrypted' in socket ? 'https' : 'http');
    if (bytes === undefined) return end({ failure: unwritable });
    const reader = http2Reader(
      { method: request.method, body: bytes.body },
      {
        onFirstByte: () => {
          firstByteAt = mark('answered');
        },
        onInterim: (head) => {
          taker.onInterim(head);
          if (head.status === 100) sendBody();
        },
        onHead: (head) => wanted(taker.onHead(head)),
        onBody: (data) => {
          const isWanted = taker.onBody(data);
          if (typeof isWanted === 'boolean') return wanted(isWanted);
          void waitFor(isWanted);
          return true;
        },
        onEnd: complete,
        onProblem: (found) => end({ failure: responseFailure(withWayOut(found), phase(), problem, signal) }),
      },
    );
    let isTaking = true;
    let isEnded = false;
    const readEnd = () => {
      if (isTaking && problem === undefined && !signal.aborted) reader.close();
    };
    const waitFor = async (taken: Promise<boolean>) => {
      isTaking = false;
      reader.pause();
      socket.pause();
      const isWanted = await taken;
      isTaking = true;
      if (!wanted(isWanted) || isOver) return;
      reader.resume();
      send();
      if (isEnded) readEnd();
      else if (isTaking && socket.writableLength <= mostWaiting) socket.resume();
    };
    const send = () => {
      const output = isOver || !isTaking ? undefined : reader.output();
      if (output === undefined) return;
      socket.write(output);
      if (socket.writableLength > mostWaiting) {
        socket.pause();
        socket.once('drain', () => isTaking && socket.resume());
      }
    };
    const sendBody = () => {
      clearTimeout(waiting);
      reader.sendBody();
    };
    // The first error counts: behind the alert of a TLS server the connection ends in order (RFC 8446, section 6).
    socket.on('error', (error) => {
      problem ??= error;
      // A TLS connection with a record that cannot be read does not close by itself (Node 24).
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
      noteRead(chunk.length);
      send();
    });
    socket.once('end', () => {
      isEnded = true;
      readEnd();
    });
    socket.once('close', () => {
      // All that was sent is here; what the taker has not taken yet decides.
      if (isEnded && !isTaking && problem === undefined && !signal.aborted)
        signal.addEventListener('abort', fail, { once: true });
      else fail();
    });
    if (socket.destroyed) return fail();
    if (bytes.awaitsContinue)
      waiting = setTimeout(() => {
        sendBody();
        send();
      }, continueAfterMs);
    else sendBody();
    // One write for the opening and as much of the body as fits.
    const start = reader.output();
    socket.write(start === undefined ? bytes.opening : Buffer.concat([bytes.opening, start]));
  });

const withWayOut = (found: ResponseProblem): ResponseProblem =>
  found.kind === 'malformed' ? { ...found, detail: `${found.detail}; \`enable_http2: false\` uses HTTP/1.1` } : found;
