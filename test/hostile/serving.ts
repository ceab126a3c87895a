import { createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import { listening } from '../servers/tcp.ts';
import { pem } from './der.ts';
import type { Up } from './peer.ts';
import { testCa } from './test-ca.ts';
import { serveTls12, type Tls12Options } from './tls12.ts';

/** A TCP server whose connections go to `onConnection`. What the client ends, the server ends. */
export const tcpPeer = async (onConnection: (socket: Socket) => void): Promise<Up> =>
  await listening(
    createServer((socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    }),
  );

/** Answers each connection once the head of a request has come in. */
export const httpPeer = (onRequest: (socket: Socket, head: string) => void): Promise<Up> =>
  tcpPeer((socket) => onHead(socket, onRequest));

/** Calls `onRequest` with the first head of a request. */
export const onHead = (socket: Socket, onRequest: (socket: Socket, head: string) => void): void => {
  let held = '';
  const read = (chunk: Buffer) => {
    held += chunk.toString('latin1');
    if (!held.includes('\r\n\r\n')) return;
    socket.off('data', read);
    socket.resume();
    onRequest(socket, held);
  };
  socket.on('data', read);
};

/** A server of OpenSSL with a valid chain for `localhost`, unless the options say otherwise. */
export const tlsPeer = async (
  onSecure: (socket: tls.TLSSocket) => void,
  options: tls.TlsOptions = {},
  onConnection: (raw: Socket) => void = () => {},
): Promise<Up> => {
  const { leaf, middle, leafKey } = testCa();
  const chain = { cert: pem(leaf()) + pem(middle), key: leafKey.key.export({ type: 'pkcs8', format: 'pem' }) };
  const server = tls.createServer({ ...chain, ...options }, (socket) => {
    socket.on('error', () => {});
    onSecure(socket);
  });
  server.on('tlsClientError', () => {});
  server.on('connection', onConnection);
  return await listening(server);
};

/** A server of {@link serveTls12} with a valid chain, unless the options say otherwise; made for each connection. */
export const tls12Peer = (options: () => Partial<Tls12Options> = () => ({})): Promise<Up> => {
  const { leaf, middle, leafKey } = testCa();
  const certificates = [leaf(), middle];
  return tcpPeer((socket) => serveTls12(socket, { certificates, key: leafKey.key, ...options() }));
};

/** Writes again and again as fast as the peer takes it: a chunk, or what `write` writes, which is false when the socket is full. */
export const flood = (socket: Socket, chunk: Uint8Array | string | (() => boolean)): void => {
  const write = typeof chunk === 'function' ? chunk : () => socket.write(chunk);
  const more = () => {
    // A few at a time, so that the other servers of this process get their turn.
    for (let times = 0; times < 16; times += 1) {
      if (socket.destroyed || !socket.writable) return;
      if (!write()) return void socket.once('drain', more);
    }
    setImmediate(more);
  };
  more();
};

/** Writes a chunk every so many milliseconds, for as long as the connection is there. */
export const trickle = (socket: Socket, next: () => Uint8Array | string, everyMs = 50): void => {
  const timer = setInterval(() => {
    if (socket.destroyed || !socket.writable) return clearInterval(timer);
    socket.write(next());
  }, everyMs);
  socket.once('close', () => clearInterval(timer));
};

/** Sends, and resets the connection once the system has taken it and the client had time to read it. */
export const sendAndReset = (socket: Socket, bytes: Uint8Array | string): void => {
  socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 50));
};
