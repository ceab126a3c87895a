import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { connect, createServer as createTcp, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { chain, issue } from './certificates.ts';
import { listening } from './tcp.ts';

/** A request as an origin got it: all that came with it, as one text to search. */
export type Arrived = { readonly origin: string; readonly method: string; readonly path: string; readonly all: string };

/** How an origin answers. */
export type Respond = (arrived: Arrived, response: Pick<ServerResponse, 'writeHead' | 'end'>) => void;

/** Ports that speak http and https (HTTP/1.1 and HTTP/2) to whoever asks for either, and note the client certificate they are shown. */
export type Origins = AsyncDisposable & { readonly ports: readonly number[]; readonly arrived: Arrived[] };

/** Listens at an address for each given one, on ports of their own, with a certificate for `names`. */
export const origins = async (
  addresses: readonly string[],
  names: readonly string[],
  respond: Respond,
): Promise<Origins> => {
  const stack = new AsyncDisposableStack();
  const { intermediate } = await chain();
  const leaf = await issue({ names, issuer: intermediate });
  const arrived: Arrived[] = [];
  const take = async (request: IncomingMessage | http2.Http2ServerRequest, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
    } catch {
      return;
    }
    const one = read(request, Buffer.concat(chunks));
    arrived.push(one);
    respond(one, response);
  };
  const plain = createServer((request, response) => void take(request, response));
  const secure = http2.createSecureServer(
    {
      cert: leaf.cert + intermediate.cert,
      key: leaf.key,
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
    },
    // safe: the compatibility API of HTTP/2 has the two methods that are used
    (request, response) => void take(request, response as unknown as ServerResponse),
  );
  secure.on('sessionError', () => {});
  const inside = { plain: stack.use(await listening(plain)), secure: stack.use(await listening(asTcp(secure))) };
  const ports: number[] = [];
  for (const address of addresses) {
    const server = createTcp((socket) => sort(socket, inside.plain.port, inside.secure.port));
    const heard = stack.use(await listening(server, address));
    ports.push(heard.port);
  }
  return { ports, arrived, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

// safe: an HTTP/2 server is a TLS server
const asTcp = (server: http2.Http2SecureServer): Server => server as unknown as Server;

/**
 * Hands a connection to the server inside that speaks its protocol. The first byte of a TLS connection is that of a handshake record
 * (RFC 8446, section 5.1).
 */
const sort = (socket: Socket, plainPort: number, securePort: number): void => {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    socket.pause();
    const onward = connect(first[0] === 0x16 ? securePort : plainPort, '127.0.0.1');
    onward.on('error', () => {});
    onward.write(first);
    socket.pipe(onward).pipe(socket);
    socket.once('close', () => onward.destroy());
    onward.once('close', () => socket.destroy());
  });
};

const read = (request: IncomingMessage | http2.Http2ServerRequest, body: Buffer): Arrived => {
  const { socket } = request;
  const authority = request.headers.host ?? String(request.headers[':authority']);
  const isSecure = 'encrypted' in socket && socket.encrypted === true;
  // safe: an encrypted socket of a server is a TLS socket
  const { subject } = isSecure ? (socket as TLSSocket).getPeerCertificate() : { subject: undefined };
  return {
    origin: `${isSecure ? 'https' : 'http'}://${authority}`,
    method: request.method ?? '',
    path: request.url ?? '',
    all: JSON.stringify([request.headers, body.toString('latin1'), subject ?? '']),
  };
};
