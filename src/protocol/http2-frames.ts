import { Buffer } from 'node:buffer';

/** The types of frames that HTTP/2 has (RFC 9113, section 6). Others are ignored. */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames; `endStream` and `acknowledged` are the same bit, of different types. */
export const frameFlags = { endStream: 1, acknowledged: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Settings that we send or read (RFC 9113, section 6.5.2). */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** What a client sends before its first frame. */
export const connectionPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** The longest payload of a frame that either side sends unless it is told otherwise, in bytes. */
export const longestFrame = 16_384;

/** The largest window of flow control, in bytes. */
export const largestWindow = 2 ** 31 - 1;

/** What the first nine bytes of a frame say. */
export type FrameHeader = {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
};

/** The name of an error code (RFC 9113, section 7), or its number. */
export const errorName = (code: number): string => errorNames[code] ?? `error ${code}`;

const errorNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The bytes of a frame. */
export const frameBytes = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(headerLength + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, headerLength);
  return bytes;
};

/** A WINDOW_UPDATE: so many bytes more may be sent on a stream, or on the connection (0). */
export const windowUpdate = (stream: number, increment: number): Buffer => {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(increment);
  return frameBytes(frameTypes.windowUpdate, 0, stream, payload);
};

/** A SETTINGS frame. */
export const settingsFrame = (settings: readonly (readonly [id: number, value: number])[]): Buffer => {
  const payload = Buffer.allocUnsafe(settings.length * 6);
  for (const [place, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, place * 6);
    payload.writeUInt32BE(value, place * 6 + 2);
  }
  return frameBytes(frameTypes.settings, 0, 0, payload);
};

/** The payload of DATA or HEADERS without padding and priority; `undefined` if there is more of them than there are bytes. */
export const withoutPadding = ({ flags, type }: FrameHeader, payload: Buffer): Buffer | undefined => {
  const isPadded = (flags & frameFlags.padded) !== 0;
  const padding = isPadded ? (payload[0] ?? 0) : 0;
  const start = (isPadded ? 1 : 0) + (type === frameTypes.headers && (flags & frameFlags.priority) !== 0 ? 5 : 0);
  return start + padding > payload.length ? undefined : payload.subarray(start, payload.length - padding);
};

/** Takes frames as they come in; returning false ends the reading. */
export type FrameTaker = {
  /** The nine bytes of a frame's header are there; its payload may be still to come. */
  readonly onStart: (header: FrameHeader, bytes: Buffer) => boolean;
  readonly onFrame: (header: FrameHeader, payload: Buffer) => boolean;
};

/** Reads frames. A pause takes effect behind the frame at hand; what is pushed meanwhile is kept. */
export type FrameReader = {
  readonly push: (bytes: Buffer) => void;
  readonly pause: () => void;
  readonly resume: () => void;
};

/**
 * Cuts the bytes of a connection into frames. `onStart` must end the reading at frames longer than {@link longestFrame}. Time is
 * linear in the input however it is cut; what is kept is at most one frame, and what comes in a pause.
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-4.1
 */
export const frameReader = ({ onStart, onFrame }: FrameTaker): FrameReader => {
  const start = Buffer.alloc(headerLength);
  let header: FrameHeader | undefined;
  let payload = start;
  /** Bytes in `start`, or in `payload` once the header is there. */
  let filled = 0;
  let isOver = false;
  let isPaused = false;
  let kept: Buffer[] = [];

  const readHeader = (bytes: Buffer, at: number): number => {
    if (filled === 0 && bytes.length - at >= headerLength) {
      header = headerAt(bytes, at);
      isOver = !onStart(header, bytes.subarray(at, at + headerLength));
      return at + headerLength;
    }
    const taken = bytes.copy(start, filled, at, at + headerLength - filled);
    filled += taken;
    if (filled === headerLength) {
      filled = 0;
      header = headerAt(start, 0);
      isOver = !onStart(header, start);
    }
    return at + taken;
  };
  const readPayload = (bytes: Buffer, at: number, { length }: FrameHeader): readonly [Buffer | undefined, number] => {
    if (filled === 0 && bytes.length - at >= length) return [bytes.subarray(at, at + length), at + length];
    // A buffer for each frame: who takes data may hold on to it.
    if (filled === 0) payload = Buffer.allocUnsafe(length);
    const taken = bytes.copy(payload, filled, at, at + length - filled);
    filled += taken;
    if (filled < length) return [undefined, at + taken];
    filled = 0;
    return [payload, at + taken];
  };
  const push = (bytes: Buffer) => {
    let at = 0;
    while (at < bytes.length && !isOver && !isPaused) {
      if (header === undefined) at = readHeader(bytes, at);
      if (header === undefined || isOver) continue;
      const current = header;
      const [whole, next] = readPayload(bytes, at, current);
      at = next;
      if (whole === undefined) continue;
      header = undefined;
      isOver = !onFrame(current, whole);
    }
    if (isPaused && at < bytes.length) kept.push(bytes.subarray(at));
  };

  return {
    push,
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      const bytes = kept;
      kept = [];
      for (const part of bytes) push(part);
    },
  };
};

const headerLength = 9;

const headerAt = (bytes: Buffer, at: number): FrameHeader => ({
  length: bytes.readUIntBE(at, 3),
  type: bytes[at + 3] ?? 0,
  flags: bytes[at + 4] ?? 0,
  stream: bytes.readUInt32BE(at + 5) & 0x7f_ff_ff_ff,
});
