import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import type { Seconds } from '../kernel/check.ts';
import { noteRead } from '../kernel/garbage.ts';
import type { Failure } from '../kernel/reason.ts';
import { failure } from '../kernel/reason.ts';
import { type DnsMessage, decodeMessage, isSameName, type Question } from '../protocol/dns-message.ts';
import { conversation } from './conversation.ts';
import { failureOf } from './failure.ts';
import { noteMessage } from './reads.ts';

/** A name server, and the local address to ask it from. */
export type Server = { readonly ip: string; readonly port: number; readonly localAddress?: string };

/** What an exchange gave. Times are of the `now` it was given: when the query went out, when the answer was there. */
export type Answered =
  | { readonly ok: true; readonly message: DnsMessage; readonly sentAt: Seconds; readonly answeredAt: Seconds }
  | { readonly ok: false; readonly failure: Failure; readonly sentAt?: Seconds };

/** A query as it goes out, and what an answer must repeat. */
export type Query = { readonly id: number; readonly question: Question; readonly bytes: Buffer };

/** Where time and its limit come from. */
export type Timing = { readonly signal: AbortSignal; readonly now: (what: string) => Seconds };

/** Whether a message answers a query: its id and, where it repeats one, its question (RFC 5452, section 9.1). */
const answers = (message: DnsMessage, { id, question }: Query): boolean => {
  if (!message.isResponse || message.id !== id) return false;
  const [asked] = message.questions;
  if (asked === undefined) return true;
  return asked.type === question.type && asked.class === question.class && isSameName(asked.name, question.name);
};

/**
 * Asks over UDP, once: a socket of its own, connected, so that the port is random and only the server is heard. Answers to
 * other queries are ignored; an answer that cannot be read ends the exchange. Never rejects, leaves nothing open.
 */
export const askByUdp = (
  { ip, port, localAddress }: Server,
  query: Query,
  { signal, now }: Timing,
): Promise<Answered> =>
  new Promise((resolve) => {
    const family = ip.includes(':') ? 'udp6' : 'udp4';
    // An address needs no looking up, and Node would do it in a later turn.
    const socket: UdpSocket = createSocket({
      type: family,
      lookup: (host, _options, found) => found(null, host, family === 'udp6' ? 6 : 4),
    });
    let sentAt: Seconds | undefined;
    let isOver = false;
    const end = (answered: Answered) => {
      // A callback of the system may come after the end, and a second close would throw.
      if (isOver) return;
      isOver = true;
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      resolve(answered);
    };
    const fail = (error: unknown) =>
      end({
        ok: false,
        failure: failureOf(error, sentAt === undefined ? 'connect' : 'processing', signal),
        ...(sentAt === undefined ? {} : { sentAt }),
      });
    const stop = () => fail(undefined);
    if (signal.aborted) return fail(undefined);
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', fail);
    socket.on('message', (bytes) => {
      noteRead(bytes.length);
      noteMessage(signal, bytes.length);
      const answeredAt = now('answered');
      // Whoever guesses the id of a foreign answer is not heard; one that has ours must be readable.
      if (bytes.length < 2 || bytes.readUInt16BE(0) !== query.id || sentAt === undefined) return;
      const decoded = decodeMessage(bytes);
      if (!decoded.ok)
        return end({
          ok: false,
          failure: failure('protocol_error', 'transfer', `the answer is no DNS message: ${decoded.why}`),
          sentAt,
        });
      if (answers(decoded.message, query)) end({ ok: true, message: decoded.message, sentAt, answeredAt });
    });
    // Node hands the callback an error, which its types leave out, where the system refuses the address.
    const connected = (refused?: unknown) => {
      if (refused !== undefined || isOver) return fail(refused);
      sentAt = now('requested');
      socket.send(query.bytes);
    };
    const connect = () => void socket.connect(port, ip, connected);
    if (localAddress === undefined) connect();
    else socket.bind({ address: localAddress }, connect);
  });

/** Asks over a TCP connection that is open (RFC 1035, section 4.2.2: two bytes of length before each message). Closes it. */
export const askOverStream = async (socket: Socket, query: Query, { signal, now }: Timing): Promise<Answered> => {
  const talk = conversation(socket, signal, 'processing');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.bytes.length);
  const sentAt = now('requested');
  void talk.write(Buffer.concat([length, query.bytes]));
  const fail = (why: Failure): Answered => {
    socket.destroy();
    return { ok: false, failure: why, sentAt };
  };
  const early = () =>
    fail(failure('connection_closed', 'transfer', 'the server closed the connection before its answer was complete'));
  const size = await talk.bytes(2);
  if (size.kind !== 'bytes') return size.kind === 'end' ? early() : fail(size.failure);
  const read = await talk.bytes(Buffer.from(size.bytes).readUInt16BE(0));
  if (read.kind !== 'bytes') return read.kind === 'end' ? early() : fail(read.failure);
  const answeredAt = now('answered');
  socket.destroy();
  const decoded = decodeMessage(read.bytes);
  if (!decoded.ok) return fail(failure('protocol_error', 'transfer', `the answer is no DNS message: ${decoded.why}`));
  // A stream carries answers to this query alone.
  if (!answers(decoded.message, query))
    return fail(failure('protocol_error', 'transfer', 'the answer belongs to another query'));
  return { ok: true, message: decoded.message, sentAt, answeredAt };
};
