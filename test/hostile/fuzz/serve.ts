import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { a, encodeReply } from '../../servers/dns.ts';
import { http2Peer } from '../frames.ts';
import { onHead, tcpPeer, tls12Peer } from '../serving.ts';
import { testCa } from '../test-ca.ts';
import { type Case, dnsCase, httpCase, type Kind, tlsCase } from './cases.ts';

/**
 * The process of the mutating servers. A server for each slot of the client: the slot's runs follow each other, so that the number of
 * a connection says which case it is, and both sides make the case out of the seed.
 */
export type FuzzOrder = { readonly kind: Kind; readonly seed: number; readonly from: number; readonly slots: number };

const finish = (socket: Socket, { bytes, end }: Case, raw = socket): void => {
  if (end === 'open') return void socket.write(bytes);
  if (end === 'fin') return void socket.end(bytes);
  // After the bytes are read: a reset discards what is on the way.
  socket.write(bytes, () => setTimeout(() => raw.resetAndDestroy(), 5));
};

const serveSlot = async ({ kind, seed, from, slots }: FuzzOrder, slot: number): Promise<number> => {
  let count = 0;
  const next = () => {
    const id = from + count * slots + slot;
    count += 1;
    return id;
  };
  switch (kind) {
    case 'tls': {
      const { leaf, middle } = testCa();
      const chain = [leaf(), middle];
      return (await tls12Peer(() => ({ certificates: tlsCase(chain, seed, next()).certificates }))).port;
    }
    case 'http/1.1':
      return (
        await tcpPeer((socket) => {
          const id = next();
          onHead(socket, () => finish(socket, httpCase(kind, seed, id)));
        })
      ).port;
    case 'http/2': {
      // By the client's port, since a handshake that fails has its number too.
      const opened = new Map<number | undefined, { readonly id: number; readonly raw: Socket }>();
      const onConnection = (raw: Socket) => {
        const { remotePort } = raw;
        opened.set(remotePort, { id: next(), raw });
        raw.once('close', () => opened.delete(remotePort));
      };
      const onRequest = (socket: Socket) => {
        const there = opened.get(socket.remotePort);
        if (there !== undefined) finish(socket, httpCase(kind, seed, there.id), there.raw);
      };
      return (await http2Peer(onRequest, Buffer.alloc(0), onConnection)).port;
    }
    case 'dns': {
      const socket = createSocket('udp4');
      socket.on('message', (query, { port, address }) => {
        const right = encodeReply(
          { id: query.readUInt16BE(0), name: 'www.example.com', type: 1, question: query.subarray(12, 33) },
          { answers: [a('192.0.2.1')] },
        );
        socket.send(dnsCase(right, seed, next()).bytes, port, address);
      });
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      return socket.address().port;
    }
  }
};

process.on('message', async (order: FuzzOrder) => {
  const ports = await Promise.all(Array.from({ length: order.slots }, (_, slot) => serveSlot(order, slot)));
  process.send?.({ ports, root: testCa().rootPem });
});
process.once('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => {
  process.stderr.write(`mutating server: ${error.stack}\n`);
});
