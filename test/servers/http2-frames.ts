import type { TLSSocket } from 'node:tls';
import { tlsServer } from './tls.ts';

// HTTP/2 frame by frame (RFC 9113, section 6), since a whole server says END_STREAM before it resets a stream.

const types = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const;

/** A frame: type, flags, stream, payload. */
export const frame = (
  type: keyof typeof types,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** A number of four bytes: the code of RST_STREAM, half of GOAWAY. */
export const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** The flags END_STREAM and END_HEADERS, and `:status: 200` and `:status: 103` in HPACK (RFC 7541, appendix A; section 6.2.2). */
export const endStream = 1;
export const endHeaders = 4;
export const status200 = Buffer.from([0x88]);
export const status103 = Buffer.from([0x08, 0x03, 0x31, 0x30, 0x33]);

/** A server that says `frames` to the first request, one write each, with a pause between, and then what `last` does. */
export const framesServer = async (frames: readonly Uint8Array[], last: (socket: TLSSocket) => void = () => {}) => {
  const server = await tlsServer({
    ALPNProtocols: ['h2'],
    onSecure: (socket) => {
      socket.write(frame('settings', 0, 0));
      socket.once('data', () => {
        const rest = [...frames];
        const next = () => {
          const first = rest.shift();
          if (first === undefined) last(socket);
          else socket.write(first, () => setTimeout(next, frames.length > 20 ? 0 : 20));
        };
        setTimeout(next, 20);
      });
    },
  });
  return { ...server, url: `https://localhost:${server.port}` };
};
