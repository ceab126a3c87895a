import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { chain } from './certificates.ts';
import { listening, type TcpServer, tcpServer } from './tcp.ts';
import { tlsServer } from './tls.ts';

/** A request as its text came in, head and body. */
export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

/** What a server says to a request: text as it goes out; or it takes the socket and says what it likes. */
export type Script = (request: Received, socket: Socket) => string | Uint8Array | undefined;

/** A server that answers by script. `requests` are those it has had. */
export type HttpServer = TcpServer & { readonly requests: readonly Received[]; readonly url: string };

/** The text of an answer. Content-Length is set unless the headers say how long it is in another way. */
export const answer = (
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  body: string | Uint8Array = '',
): Buffer => {
  const bytes = Buffer.from(body);
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  const named = Object.keys(headers).map((name) => name.toLowerCase());
  const length =
    named.includes('content-length') || named.includes('transfer-encoding')
      ? ''
      : `Content-Length: ${bytes.length}\r\n`;
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${length}${lines.join('')}\r\n`, 'latin1'), bytes]);
};

const ok: Script = () => answer(200, {}, 'ok');

/** A server for HTTP/1.1 in clear text that answers by script, `200 ok` without one. */
export const httpServer = async (script: Script = ok): Promise<HttpServer> => {
  const requests: Received[] = [];
  const server = await tcpServer({ onConnection: (socket) => serve(socket, script, requests) });
  return { ...server, requests, url: `http://127.0.0.1:${server.port}` };
};

/** The same over TLS, for `localhost`. */
export const httpsServer = async (
  script: Script = ok,
  options: Parameters<typeof tlsServer>[0] = {},
): Promise<HttpServer> => {
  const requests: Received[] = [];
  const server = await tlsServer({
    ALPNProtocols: ['http/1.1'],
    ...options,
    onSecure: (socket) => serve(socket, script, requests),
  });
  return { ...server, requests, url: `https://localhost:${server.port}` };
};

const serve = (socket: Socket, script: Script, requests: Received[]): void => {
  let held = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    held += chunk.toString('latin1');
    const request = readRequest(held);
    if (request === undefined) return;
    held = '';
    requests.push(request);
    const said = script(request, socket);
    if (said !== undefined) socket.write(said);
  });
};

const readRequest = (text: string): Received | undefined => {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = text.slice(end + 4);
  return body.length < Number(headers.get('content-length') ?? 0) ? undefined : { method, path, headers, body };
};

/** How an HTTP/2 server answers a stream. */
export type Http2Script = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** A server for HTTP/2 over TLS, for `localhost`. */
export const http2Server = async (
  script: Http2Script,
  options: http2.SecureServerOptions = {},
): Promise<TcpServer & { readonly url: string }> => {
  const { leaf, intermediate } = await chain();
  const server = http2.createSecureServer({ cert: leaf.cert + intermediate.cert, key: leaf.key, ...options });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    script(stream, headers);
  });
  server.on('sessionError', () => {});
  // safe: an HTTP/2 server is a TLS server
  const heard = await listening(server as unknown as import('node:net').Server);
  return { ...heard, received: () => Buffer.alloc(0), url: `https://localhost:${heard.port}` };
};
