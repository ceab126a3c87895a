import http2 from 'node:http2';
import type { Seconds } from '../../kernel/check.ts';
import { failureOf } from '../../net/failure.ts';
import { type Exchange, type Exchanged, headerMap, headLimit } from './exchange.ts';

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
    stream.on('data', (chunk: Buffer) => {
      if (!taker.onBody(chunk)) end({ endedAt: mark('transferred') });
    });
    stream.on('error', fail);
    // A stream that was cut ends as well: only a complete one has no error code.
    stream.once('end', () =>
      stream.rstCode === http2.constants.NGHTTP2_NO_ERROR ? end({ endedAt: mark('transferred') }) : fail(closed),
    );
    stream.once('close', () => fail(closed));
  });

const closed = { code: 'UND_ERR_SOCKET' };
