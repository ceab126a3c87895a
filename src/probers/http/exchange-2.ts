import http2 from 'node:http2';
import type { Seconds } from '../../kernel/check.ts';
import { failureOf } from '../../net/failure.ts';
import { type Exchange, type Exchanged, headerMap, headLimit, mostInterim, tooManyInterim } from './exchange.ts';

/** Headers that HTTP/2 forbids (RFC 9113, section 8.2.2), and Host, whose place `:authority` takes. */
const forbidden = new Set(['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** One request over HTTP/2, in a session of its own. */
export const exchange2: Exchange = (socket, request, taker, signal, mark) =>
  new Promise((resolve) => {
    let firstByteAt: Seconds | undefined;
    let over = false;
    const session = http2.connect(`${request.scheme}://${request.authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, maxHeaderListSize: headLimit },
      maxHeaderListPairs: 16_384,
    });
    const end = (rest: Omit<Exchanged, 'firstByteAt'>) => {
      if (over) return;
      over = true;
      resolve({ ...(firstByteAt === undefined ? {} : { firstByteAt }), ...rest });
      session.destroy();
      socket.destroy();
    };
    const fail = (error: unknown) =>
      end({ failure: failureOf(error, firstByteAt === undefined ? 'processing' : 'transfer', signal) });
    session.on('error', fail);
    session.once('close', () => fail(closed));
    const headers: http2.OutgoingHttpHeaders = {
      ':method': request.method,
      ':scheme': request.scheme,
      ':authority': request.authority,
      ':path': request.path,
    };
    for (const [name, value] of request.headers) {
      const lower = name.toLowerCase();
      if (!forbidden.has(lower))
        headers[lower] = lower in headers ? [headers[lower] ?? [], value].flat().map(String) : value;
    }
    const stream = session.request(headers, { endStream: request.body === undefined });
    if (request.body !== undefined) stream.end(request.body);
    stream.on('response', (answer, _flags, raw?: unknown) => {
      firstByteAt ??= mark('answered');
      const flat = Array.isArray(raw) ? raw.map(String) : Object.entries(answer).flat().map(String);
      const wanted = taker.onHead(
        { status: Number(answer[':status']), version: 'HTTP/2.0', headers: headerMap(flat) },
        firstByteAt,
      );
      if (!wanted) end({ endedAt: mark('transferred') });
    });
    let interims = 0;
    stream.on('headers', () => {
      interims += 1;
      if (interims > mostInterim) end({ failure: tooManyInterim() });
    });
    const stop = () => end({ endedAt: mark('transferred') });
    const pause = async (taken: Promise<boolean>) => {
      // Node asks for no more of the stream, and so its window closes; what has come in already is kept.
      stream.pause();
      if (!(await taken)) stop();
      else if (!over) stream.resume();
    };
    stream.on('data', (chunk: Buffer) => {
      const wanted = taker.onBody(chunk);
      if (wanted === false) stop();
      else if (wanted !== true) void pause(wanted);
    });
    stream.on('error', fail);
    // A stream that the peer resets ends too, with NO_ERROR as well (RFC 9113, section 8.1): then it is closed before its end is pushed.
    let isWhole = false;
    const push = stream.push;
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null) isWhole = !stream.closed;
      return push.call(stream, chunk, encoding);
    };
    stream.once('end', () => (isWhole && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR ? stop() : fail(closed)));
    stream.once('close', () => fail(closed));
  });

const closed = { code: 'UND_ERR_SOCKET' };
