import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeName } from '../protocol/dns-message.ts';
import type { Served } from './certificates.ts';

/** A server of the small world, on loopback. Disposing closes it and its connections. */
export type Running = AsyncDisposable & { readonly port: number };

/** Says whether a server is away: its port then refuses connections. */
export type IsAway = () => boolean;

/** How often a server that comes and goes looks whether it is its time, in milliseconds. */
const lookMs = 50;

const onLoopback = async (server: Server, isAway?: IsAway): Promise<Running> => {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  server.on('tlsClientError', () => {});
  const listen = async (port: number): Promise<void> => {
    const listening = once(server, 'listening');
    server.listen(port, '127.0.0.1');
    await listening;
  };
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  await listen(0);
  // safe: a listening TCP server has an address of this type
  const { port } = server.address() as AddressInfo;
  const ends = new AbortController();
  const comeAndGo = async (away: IsAway): Promise<void> => {
    while (!ends.signal.aborted) {
      if (away() && server.listening) await close();
      // Another program may have taken the port meanwhile; the next look tries again.
      else if (!away() && !server.listening) await listen(port).catch(() => {});
      await wait(lookMs, undefined, { signal: ends.signal }).catch(() => {});
    }
  };
  const done = isAway === undefined ? undefined : comeAndGo(isAway);
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      ends.abort();
      await done;
      if (server.listening) await close();
    },
  };
};

/** A web server; with a certificate it speaks TLS. While `isAway`, it closes its port and comes back on the same one. */
export const webSite = (listener: RequestListener, served?: Served, isAway?: IsAway): Promise<Running> =>
  onLoopback(served === undefined ? createHttpServer(listener) : createHttpsServer(served, listener), isAway);

/** A server for TCP connections. */
export const tcpPort = (onConnection: (socket: Socket) => void): Promise<Running> =>
  onLoopback(createTcpServer(onConnection));

/** A name server that knows A records of some names and no other (RFC 1035, section 4.1). */
export const nameServer = async (addresses: ReadonlyMap<string, string>): Promise<Running> => {
  const socket = createSocket('udp4');
  const known = new Map(
    [...addresses].map(([name, ip]) => [
      asKey(encodeName(`${name}.`) ?? new Uint8Array()),
      Buffer.from(ip.split('.').map(Number)),
    ]),
  );
  socket.on('message', (query, { port, address }) => {
    const answer = answerTo(query, known);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.on('error', () => {});
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
};

/** Case does not matter (RFC 4343); the lengths of labels, at most 63, are no letters. */
const asKey = (name: Uint8Array): string => Buffer.from(name).toString('latin1').toLowerCase();

const headerBytes = 12;
/** Flags of an answer with authority: name there, and name not there. */
const flags = { found: 0x8580, missing: 0x8583 };

const answerTo = (query: Buffer, known: ReadonlyMap<string, Buffer>): Buffer | undefined => {
  const end = query.indexOf(0, headerBytes);
  if (query.length < headerBytes + 5 || end === -1 || query.length < end + 5) return undefined;
  const question = query.subarray(headerBytes, end + 5);
  const ip = known.get(asKey(query.subarray(headerBytes, end + 1)));
  const isForA = query.readUInt16BE(end + 1) === 1;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(ip === undefined ? flags.missing : flags.found, 2);
  header.writeUInt16BE(1, 4);
  if (ip === undefined || !isForA) return Buffer.concat([header, question]);
  header.writeUInt16BE(1, 6);
  // The name as a pointer to the question; type A, class IN, 60 seconds, four bytes.
  return Buffer.concat([header, question, Buffer.from('c00c000100010000003c0004', 'hex'), ip]);
};
