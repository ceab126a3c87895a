import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { encodeName } from '../../src/protocol/dns-message.ts';
import { listening } from './tcp.ts';

/** What a query asks, as far as a server needs it. */
export type Asked = { readonly id: number; readonly name: string; readonly type: number; readonly question: Buffer };

/** A record to answer with: type and data. The owner is the name asked for unless one is given. */
export type Answer = {
  readonly type: number;
  readonly data: Uint8Array;
  readonly name?: string;
  readonly ttl?: number;
};

/** An answer: `rcode`, sections, flags. */
export type Reply = {
  readonly rcode?: number;
  readonly answers?: readonly Answer[];
  readonly authority?: readonly Answer[];
  readonly truncated?: boolean;
};

/** How the server behaves. `reply` gives bytes to send as they are, a reply to encode, or nothing to stay silent. */
export type DnsOptions = {
  readonly reply?: (asked: Asked, over: 'udp' | 'tcp') => Buffer | Reply | undefined;
  /** Sent before the real answer over UDP. */
  readonly first?: (asked: Asked) => Buffer;
  /** Over TCP: close after this many bytes of the answer, or send one byte per turn and stop before the last. */
  readonly cutAfter?: number;
};

/** A name server on 127.0.0.1, UDP and TCP on one port. `asked` are the queries so far. */
export type DnsServer = AsyncDisposable & {
  readonly port: number;
  readonly asked: readonly Asked[];
  readonly allClosed: () => Promise<void>;
};

/** A name's records by type, for {@link zone}. */
export type Zone = Readonly<Record<string, readonly Answer[]>>;

/** An A record's data. */
export const a = (ip: string): Answer => ({ type: 1, data: Uint8Array.from(ip.split('.').map(Number)) });
/** An AAAA record's data, from its 16 bytes in hexadecimal. */
export const aaaa = (hex: string): Answer => ({ type: 28, data: Buffer.from(hex, 'hex') });
/** A record whose data is one name. */
export const named = (type: number, name: string): Answer => ({ type, data: encodeName(name) ?? Buffer.alloc(0) });

/** Answers from a table of lower-case names; NXDOMAIN for others, no records for other types. CNAMEs are followed. */
export const zone =
  (names: Zone) =>
  ({ name, type }: Asked): Reply => {
    const answers: Answer[] = [];
    let at = name.toLowerCase();
    for (let hops = 0; hops < 8; hops += 1) {
      const records = names[at];
      if (records === undefined) return hops === 0 ? { rcode: 3 } : { answers };
      answers.push(...records.filter((record) => record.type === type).map((record) => ({ ...record, name: at })));
      const alias = records.find((record) => record.type === 5);
      if (alias === undefined) break;
      answers.push({ ...alias, name: at });
      at = readName(Buffer.from(alias.data), 0);
    }
    return { answers };
  };

/** Starts a server; without `reply` it answers 192.0.2.1 to every A query and nothing to others. */
export const dnsServer = async (options: DnsOptions = {}): Promise<DnsServer> => {
  const reply = options.reply ?? (({ type }: Asked) => ({ answers: type === 1 ? [a('192.0.2.1')] : [] }));
  const asked: Asked[] = [];
  const answer = (query: Buffer, over: 'udp' | 'tcp'): { asked: Asked; bytes: Buffer | undefined } => {
    const read = readQuery(query);
    asked.push(read);
    const given = reply(read, over);
    return { asked: read, bytes: given === undefined || Buffer.isBuffer(given) ? given : encodeReply(read, given) };
  };
  const tcp = await listening(createServer((socket) => serveStream(socket, answer, options)));
  const udp: UdpSocket = createSocket('udp4');
  udp.on('message', (query, { port, address }) => {
    const given = answer(query, 'udp');
    if (options.first !== undefined) udp.send(options.first(given.asked), port, address);
    if (given.bytes !== undefined) udp.send(given.bytes, port, address);
  });
  udp.bind(tcp.port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    port: tcp.port,
    asked,
    allClosed: tcp.allClosed,
    [Symbol.asyncDispose]: async () => {
      udp.close();
      await once(udp, 'close');
      await tcp[Symbol.asyncDispose]();
    },
  };
};

const serveStream = (
  socket: Socket,
  answer: (query: Buffer, over: 'tcp') => { bytes: Buffer | undefined },
  { cutAfter }: DnsOptions,
): void => {
  let held = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
    const { bytes } = answer(held.subarray(2), 'tcp');
    if (bytes === undefined) return;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    const whole = Buffer.concat([length, bytes]);
    if (cutAfter === undefined) socket.write(whole);
    else socket.end(whole.subarray(0, cutAfter));
  });
};

const readName = (bytes: Buffer, start: number): string => {
  const labels: string[] = [];
  for (let at = start; (bytes[at] ?? 0) > 0; at += (bytes[at] ?? 0) + 1)
    labels.push(bytes.toString('latin1', at + 1, at + 1 + (bytes[at] ?? 0)));
  return labels.join('.');
};

const readQuery = (query: Buffer): Asked => {
  const name = readName(query, 12);
  const end = 12 + (encodeName(name)?.length ?? 0);
  return { id: query.readUInt16BE(0), name, type: query.readUInt16BE(end), question: query.subarray(12, end + 4) };
};

/** The bytes of an answer to a query. */
export const encodeReply = (
  asked: Asked,
  { rcode = 0, answers = [], authority = [], truncated = false }: Reply,
): Buffer => {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(asked.id, 0);
  header.writeUInt16BE(0x8180 | (truncated ? 0x0200 : 0) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authority.length, 8);
  return Buffer.concat([
    header,
    asked.question,
    ...[...answers, ...authority].map((record) => encodeRecord(asked, record)),
  ]);
};

const encodeRecord = (asked: Asked, { type, data, name, ttl = 60 }: Answer): Buffer => {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(name ?? asked.name) ?? Buffer.from([0]), fixed, data]);
};
