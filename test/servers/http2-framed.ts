import type { TLSSocket } from 'node:tls';
import { hpackDecoder } from '../../src/protocol/hpack.ts';
import {
  connectionPreface,
  type FrameHeader,
  frameFlags,
  frameReader,
  frameTypes,
} from '../../src/protocol/http2-frames.ts';
import type { TcpServer } from './tcp.ts';
import { tlsServer } from './tls.ts';

/** A request whose head has come in. */
export type FramedRequest = { readonly stream: number; readonly path: string; readonly method: string };

/** How a server of frames behaves: it sends nothing of its own, SETTINGS neither. */
export type FramesScript = {
  readonly onRequest: (request: FramedRequest, socket: TLSSocket) => void;
  readonly onFrame?: (header: FrameHeader, payload: Buffer, socket: TLSSocket) => void;
};

/** A TLS server that agrees on HTTP/2 and leaves every frame to its script. Requests have their head in one frame. */
export const framedServer = async ({
  onRequest,
  onFrame,
}: FramesScript): Promise<TcpServer & { readonly url: string }> => {
  const server = await tlsServer({
    ALPNProtocols: ['h2'],
    onSecure: (socket) => {
      const decoder = hpackDecoder();
      let preface = connectionPreface.length;
      const frames = frameReader({
        onStart: () => true,
        onFrame: (header, payload) => {
          onFrame?.(header, payload, socket);
          if (header.type !== frameTypes.headers) return true;
          const block = payload.subarray((header.flags & frameFlags.priority) === 0 ? 0 : 5);
          const fields = new Map<string, string>();
          decoder.decode(block, (name, value) => fields.set(name, value) !== undefined);
          const { stream } = header;
          onRequest({ stream, path: fields.get(':path') ?? '', method: fields.get(':method') ?? '' }, socket);
          return true;
        },
      });
      socket.on('data', (chunk) => {
        const skipped = Math.min(preface, chunk.length);
        preface -= skipped;
        frames.push(chunk.subarray(skipped));
      });
    },
  });
  return { ...server, url: `https://localhost:${server.port}` };
};
