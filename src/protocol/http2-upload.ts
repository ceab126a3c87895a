import type { Buffer } from 'node:buffer';
import { frameBytes, frameFlags, frameTypes, largestWindow, longestFrame } from './http2-frames.ts';
import { initialWindow, requestStream } from './http2-request.ts';

/** Sends a request's body as far as the server's windows allow. Window changes return false where they overflow. */
export type Upload = {
  /** DATA frames that may go out now. */
  readonly frames: () => readonly Buffer[];
  readonly widenConnection: (increment: number) => boolean;
  readonly widenStream: (increment: number) => boolean;
  /** The server's SETTINGS_INITIAL_WINDOW_SIZE, which counts from the start of the stream (RFC 9113, section 6.9.2). */
  readonly setInitial: (size: number) => boolean;
};

/** An upload of `body`; of nothing without one. An empty body is one empty frame. */
export const upload = (body: Uint8Array | undefined): Upload => {
  let connection = initialWindow;
  let stream = initialWindow;
  let initial = initialWindow;
  let at = 0;
  let isOver = body === undefined;
  return {
    frames: () => {
      const frames: Buffer[] = [];
      while (!isOver && body !== undefined) {
        const length = Math.min(body.length - at, longestFrame, connection, stream);
        if (length <= 0 && at < body.length) break;
        const part = body.subarray(at, at + length);
        at += part.length;
        connection -= part.length;
        stream -= part.length;
        isOver = at === body.length;
        frames.push(frameBytes(frameTypes.data, isOver ? frameFlags.endStream : 0, requestStream, part));
      }
      return frames;
    },
    widenConnection: (increment) => {
      connection += increment;
      return connection <= largestWindow;
    },
    widenStream: (increment) => {
      stream += increment;
      return stream <= largestWindow;
    },
    setInitial: (size) => {
      stream += size - initial;
      initial = size;
      return stream <= largestWindow;
    },
  };
};
