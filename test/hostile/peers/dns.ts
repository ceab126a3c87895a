import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Asked, a, dnsServer, encodeReply, named } from '../../servers/dns.ts';
import { certificate, dnsNames, pem, utcTime } from '../der.ts';
import { at, type HostilePeer, type Up } from '../peer.ts';
import { flood, tcpPeer, tlsPeer, trickle } from '../serving.ts';
import { pair, testCa } from '../test-ca.ts';

const question = { query_name: 'www.example.com', query_type: 'A' };
const udp = { prober: 'dns', dns: question } as const;
const tcp = { prober: 'dns', dns: { ...question, transport_protocol: 'tcp' } } as const;
const dot = { prober: 'dns', dns: { ...question, transport_protocol: 'tcp', dns_over_tls: true } } as const;

const peer = (
  name: string,
  does: string,
  serve: () => Promise<Up>,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => ({ name, group: 'dns', does, serve, target: at.dns, module: udp, expect, ...more });

/** Answers over UDP and TCP by bytes or by a reply. */
const replies = (
  name: string,
  does: string,
  reply: NonNullable<NonNullable<Parameters<typeof dnsServer>[0]>['reply']>,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
) => peer(name, does, () => dnsServer({ reply }), expect, more);

/** A server over UDP that handles a query. */
const udpPeer = async (
  onQuery: (query: Buffer, from: RemoteInfo, send: (bytes: Uint8Array) => void) => void,
): Promise<Up> => {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  socket.on('message', (query, from) => onQuery(query, from, (bytes) => socket.send(bytes, from.port, from.address)));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
};

/** Sends packets for a second or so, a hundred every few milliseconds. */
const udpFlood = (make: (query: Buffer, count: number) => Uint8Array) =>
  udpPeer((query, _from, send) => {
    let count = 0;
    const timer = setInterval(() => {
      for (let times = 0; times < 100; times += 1) {
        count += 1;
        send(make(query, count));
      }
      if (count > 30_000) clearInterval(timer);
    }, 5);
  });

/** A server over TCP that gets the query without its length. */
const tcpAnswers = (onQuery: (socket: Socket, query: Buffer) => void) =>
  tcpPeer((socket) => {
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
      const query = held.subarray(2);
      held = Buffer.alloc(0);
      onQuery(socket, query);
    });
  });

const withLength = (bytes: Uint8Array, length = bytes.length) =>
  Buffer.concat([Buffer.from([length >> 8, length & 255]), bytes]);
const good = { answers: [a('192.0.2.1')] };
/** The good answer to a query as bytes. */
const goodBytes = (query: Buffer) => encodeReply(askedBy(query), good);
const askedBy = (query: Buffer): Asked => ({
  id: query.readUInt16BE(0),
  name: 'www.example.com',
  type: 1,
  question: query.subarray(12, 12 + 21),
});
const changed = (bytes: Buffer, change: (copy: Buffer) => void) => {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
};
/** A DoT server that answers well, with another certificate than a good one. */
const dotPeer = (make: () => { readonly cert: string; readonly key: string }) =>
  tlsPeer((socket) => {
    socket.on('data', (chunk) => socket.write(withLength(goodBytes(chunk.subarray(2)))));
  }, make());
const keyText = (key: ReturnType<typeof pair>['key']) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Name servers that lie, flood, loop or stall. */
export const dnsPeers: readonly HostilePeer[] = [
  replies('dns-honest', 'a good answer, to show that the server can', () => good, ['good'], { inTests: true }),
  replies('dns-silent', 'no answer', () => undefined, ['timeout']),
  peer(
    'dns-wrong-id',
    'answers with every id but the right one, at full speed',
    () =>
      udpFlood((query, count) =>
        changed(goodBytes(query), (copy) =>
          copy.writeUInt16BE((copy.readUInt16BE(0) + 1 + (count % 65_535)) & 0xffff, 0),
        ),
      ),
    ['timeout'],
    { alone: true },
  ),
  peer(
    'dns-wrong-question',
    'answers to another question, with the right id',
    () => udpFlood((query) => changed(goodBytes(query), (copy) => copy.write('xyz', 13))),
    ['timeout', 'protocol_error'],
    { alone: true },
  ),
  peer('dns-no-response', 'the query itself, back', () => udpPeer((query, _from, send) => send(query)), [
    'timeout',
    'protocol_error',
  ]),
  peer('dns-empty-packets', 'empty packets at full speed', () => udpFlood(() => Buffer.alloc(0)), ['timeout'], {
    alone: true,
  }),
  peer(
    'dns-big-packets',
    'packets of 60 kB at full speed',
    () => udpFlood(() => Buffer.alloc(60_000)),
    ['timeout', 'protocol_error'],
    { alone: true },
  ),
  peer(
    'dns-other-port',
    'the right answer from another port',
    async () => {
      const other = createSocket('udp4');
      const up = await udpPeer((query, from) => other.send(goodBytes(query), from.port, from.address));
      return {
        port: up.port,
        [Symbol.asyncDispose]: async () => {
          other.close();
          await up[Symbol.asyncDispose]();
        },
      };
    },
    ['timeout'],
    { inTests: true },
  ),
  replies('dns-truncated', 'an answer that says it is not the whole', () => ({ ...good, truncated: true }), [
    'good',
    'protocol_error',
  ]),
  replies(
    'dns-pointer-loop',
    'a name that points to itself',
    (asked) =>
      Buffer.concat([
        encodeReply(asked, {}).fill(1, 7, 8),
        Buffer.from([0xc0, 12 + asked.question.length]),
        Buffer.from([0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]),
      ]),
    ['protocol_error'],
    { inTests: true },
  ),
  replies(
    'dns-pointer-ahead',
    'a name that points beyond the message',
    (asked) =>
      Buffer.concat([
        encodeReply(asked, {}).fill(1, 7, 8),
        Buffer.from([0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]),
      ]),
    ['protocol_error'],
  ),
  replies(
    'dns-pointer-chain',
    'a name of 8,000 pointers',
    (asked) => {
      const start = 12 + asked.question.length;
      const chain = Array.from({ length: 8_000 }, (_, index) =>
        Buffer.from([0xc0 | ((start + 10 + 2 * (index + 1)) >> 8), (start + 10 + 2 * (index + 1)) & 255]),
      );
      return Buffer.concat([encodeReply(asked, {}).fill(1, 7, 8), Buffer.concat(chain)]);
    },
    ['protocol_error'],
  ),
  replies(
    'dns-counts-lie',
    '65,535 records announced, one there',
    (asked) => changed(encodeReply(asked, good), (copy) => copy.writeUInt16BE(65_535, 6)),
    ['protocol_error'],
    { inTests: true },
  ),
  replies(
    'dns-cut',
    'an answer that is cut in the middle of its record',
    (asked) => encodeReply(asked, good).subarray(0, -3),
    ['protocol_error'],
  ),
  replies(
    'dns-data-lie',
    'a record longer than the message',
    (asked) => changed(encodeReply(asked, good), (copy) => copy.writeUInt16BE(60_000, copy.length - 6)),
    ['protocol_error'],
  ),
  replies(
    'dns-header-only',
    'twelve bytes',
    (asked) => changed(encodeReply(asked, {}).subarray(0, 12), (copy) => copy.writeUInt16BE(0, 4)),
    ['good', 'protocol_error', 'timeout'],
  ),
  replies('dns-servfail', 'SERVFAIL', () => ({ rcode: 2 }), ['dns_rcode']),
  replies(
    'dns-cname-chain',
    '1,000 CNAMEs in a chain',
    () => ({
      answers: Array.from({ length: 1_000 }, (_, index) => ({
        ...named(5, `n${index + 1}.example`),
        name: `n${index}.example`,
      })),
    }),
    ['good'],
    { module: tcp },
  ),
  replies(
    'dns-65535',
    'an answer of 64 kB',
    () => ({ answers: Array.from({ length: 2_000 }, () => a('192.0.2.1')) }),
    ['good'],
    { module: tcp, inTests: true },
  ),
  replies(
    'dns-huge-x-thousand',
    'an answer of 64 kB against `1[01]{1000}2`',
    () => ({
      answers: Array.from({ length: 240 }, (_, index) => ({
        type: 16,
        data: Buffer.concat([
          Buffer.from([250]),
          Buffer.from(Array.from({ length: 250 }, (_zero, at) => 48 + (((at * index * 7) % 3) & 1))),
        ]),
      })),
    }),
    ['dns_records_mismatch', 'timeout'],
    {
      module: {
        prober: 'dns',
        dns: {
          ...question,
          transport_protocol: 'tcp',
          validate_answer_rrs: { fail_if_none_matches_regexp: ['1[01]{1000}2'] },
        },
      },
      alone: true,
    },
  ),
  peer('dns-tcp-silent', 'accepts over TCP and does not answer', () => tcpPeer(() => {}), ['timeout'], { module: tcp }),
  peer(
    'dns-tcp-short',
    'a length that is too small',
    () => tcpAnswers((socket, query) => void socket.write(withLength(goodBytes(query), 20))),
    ['protocol_error'],
    { module: tcp },
  ),
  peer(
    'dns-tcp-long',
    'a length that is too large, and the end',
    () => tcpAnswers((socket, query) => void socket.end(withLength(goodBytes(query), 65_535))),
    ['connection_closed'],
    { module: tcp, inTests: true },
  ),
  peer(
    'dns-tcp-long-stall',
    'a length that is too large, and nothing more',
    () => tcpAnswers((socket, query) => void socket.write(withLength(goodBytes(query), 65_535))),
    ['timeout'],
    { module: tcp },
  ),
  peer(
    'dns-tcp-zero',
    'messages of no bytes at full speed',
    () => tcpAnswers((socket) => flood(socket, Buffer.alloc(4_096))),
    ['protocol_error'],
    { module: tcp },
  ),
  peer(
    'dns-tcp-endless',
    'answers to other queries at full speed',
    () =>
      tcpAnswers((socket, query) =>
        flood(
          socket,
          withLength(changed(goodBytes(query), (copy) => copy.writeUInt16BE((copy.readUInt16BE(0) + 1) & 0xffff, 0))),
        ),
      ),
    ['protocol_error', 'timeout'],
    { module: tcp, inTests: true },
  ),
  peer(
    'dns-tcp-trickle',
    'a byte every 50 ms',
    () =>
      tcpAnswers((socket, query) => {
        const bytes = withLength(goodBytes(query));
        let next = 0;
        trickle(socket, () => bytes.subarray(next, ++next));
      }),
    ['timeout'],
    { module: tcp },
  ),
  peer(
    'dns-tcp-reset',
    'reset in the middle',
    () =>
      tcpAnswers(
        (socket, query) =>
          void socket.write(withLength(goodBytes(query)).subarray(0, 20), () =>
            setTimeout(() => socket.resetAndDestroy(), 50),
          ),
      ),
    ['connection_reset', 'connection_closed'],
    { module: tcp, inTests: true },
  ),
  peer(
    'dot-self-signed',
    'DoT with a self-signed certificate',
    () =>
      dotPeer(() => {
        const own = pair();
        return {
          cert: pem(certificate({ spki: own.spki, extensions: [dnsNames('localhost')], signer: own.key })),
          key: keyText(own.key),
        };
      }),
    ['tls_self_signed'],
    { target: at.dot, module: dot, inTests: true },
  ),
  peer(
    'dot-expired',
    'DoT with an expired certificate',
    () =>
      dotPeer(() => {
        const { leaf, middle, leafKey } = testCa();
        return { cert: pem(leaf({ validity: [utcTime(-9), utcTime(-1)] })) + pem(middle), key: keyText(leafKey.key) };
      }),
    ['tls_expired'],
    { target: at.dot, module: dot },
  ),
  peer(
    'dot-plain',
    'plaintext DNS on the port of DoT',
    () => tcpPeer((socket) => void socket.once('data', () => socket.write(withLength(Buffer.alloc(40))))),
    ['tls_protocol', 'tls_timeout'],
    { target: at.dot, module: dot },
  ),
];
