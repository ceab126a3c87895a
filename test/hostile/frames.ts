import type { Socket } from 'node:net';
import type { Up } from './peer.ts';
import { tlsPeer } from './serving.ts';

/** A frame of HTTP/2 (RFC 9113, section 4.1). `length` lies on request. */
export const frame = (
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
  length = payload.length,
): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** Types and flags (RFC 9113, section 6). */
export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const endStream = 1;
export const endHeaders = 4;

/** `:status: 200` and `:status: 500` of HPACK's static table (RFC 7541, appendix A). */
export const status200: Buffer = Buffer.from([0x88]);
export const status500: Buffer = Buffer.from([0x8e]);

/** A header as a literal that is not indexed, without Huffman (RFC 7541, section 6.2.2). */
export const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0]), text(name), text(value)]);

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const digits = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left = Math.floor(left / 128)) digits.push((left % 128) | 128);
  return Buffer.concat([Buffer.from([...digits, left]), bytes]);
};

/** Our settings, and the acknowledgement of theirs. */
export const greeting: Buffer = Buffer.concat([frame(type.settings, 0, 0), frame(type.settings, 1, 0)]);

/** Calls `onRequest` when the client's HEADERS are there; before that the client has been greeted, unless told otherwise. `onConnection` comes before TLS. */
export const http2Peer = (
  onRequest: (socket: Socket) => void,
  greet: Uint8Array = greeting,
  onConnection?: (raw: Socket) => void,
): Promise<Up> =>
  tlsPeer(
    (socket) => {
      let held = Buffer.alloc(0);
      const read = (chunk: Buffer) => {
        held = Buffer.concat([held, chunk]);
        if (!asked(held)) return;
        socket.off('data', read);
        socket.resume();
        onRequest(socket);
      };
      socket.on('data', read);
      socket.write(greet);
    },
    { ALPNProtocols: ['h2'] },
    onConnection,
  );

/** The client's connection preface is 24 bytes (RFC 9113, section 3.4); frames follow. */
const asked = (bytes: Buffer): boolean => {
  for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    if (bytes[at + 3] === type.headers) return true;
  return false;
};
