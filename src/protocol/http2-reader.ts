import { Buffer } from 'node:buffer';
import { hpackDecoder } from './hpack.ts';
import { quoted } from './http1-head.ts';
import { headLimit, mostInterim, type ResponseProblem, type ResponseTaker } from './http1-reader.ts';
import { bodyLength } from './http2-body-length.ts';
import {
  errorName,
  type FrameHeader,
  frameBytes,
  frameFlags,
  frameReader,
  frameTypes,
  longestFrame,
  windowUpdate,
  withoutPadding,
} from './http2-frames.ts';
import { fieldTaker } from './http2-head.ts';
import { receiveWindow, requestStream } from './http2-request.ts';
import { notSettings, readSettings } from './http2-settings.ts';
import { upload } from './http2-upload.ts';

/** As {@link ResponseTaker}, and when the first frame of the response begins. */
export type Http2Taker = ResponseTaker & {
  /** The first byte of the first HEADERS frame of our stream, an interim response's too. */
  readonly onFirstByte: () => void;
};

/** Reads one response on a connection of its own. Calls after its end do nothing. A pause takes effect behind the frame at hand. */
export type Http2Reader = {
  readonly pause: () => void;
  readonly resume: () => void;
  readonly push: (bytes: Uint8Array) => void;
  /** The peer closed its side in order. */
  readonly close: () => void;
  readonly isOver: () => boolean;
  /** Sends the body of the request from now on, as the windows allow. */
  readonly sendBody: () => void;
  /** What is to be sent and has not been taken yet: acknowledgements, windows, the body of the request. */
  readonly output: () => Buffer | undefined;
};

/** Bytes of frames that bring neither headers nor data which are free, and those that each byte of data allows. */
const freeOverhead = 65_536;
const overheadPerByte = 2;

/**
 * Reads the response to a request whose opening has been sent ({@link http2RequestBytes}): interim responses, head, body, trailers, and
 * what the connection needs around them. Header lists may have 256 KiB all together, frames 16 KiB, and floods of frames that bring
 * nothing end it. Never throws; time and memory are linear in the input.
 * @see https://www.rfc-editor.org/rfc/rfc9113
 */
export const http2Reader = (
  { method, body }: { readonly method: string; readonly body: Uint8Array | undefined },
  taker: Http2Taker,
): Http2Reader => {
  const decoder = hpackDecoder();
  const uploading = upload(body);
  let outputs: Buffer[] = [];
  let isOver = false;
  let isBodyWanted = false;
  let stage: 'settings' | 'head' | 'body' = 'settings';
  let isAcknowledged = false;
  let isFirstByteSeen = false;
  let goAway: string | undefined;
  let headBytes = 0;
  let interims = 0;
  let overhead = 0;
  /** Bytes of the windows that the peer has used and we have not given back. */
  let used = 0;
  /** A header block whose end is still to come, and the frame that began it. */
  let block: { readonly header: FrameHeader; readonly parts: Buffer[]; length: number } | undefined;
  let length = bodyLength(undefined, false);

  /** The answer to HEAD is its head: whatever comes behind it ends it, as with Go's client. */
  const isHeadAnswered = () => method === 'HEAD' && stage === 'body';
  const fail = (kind: ResponseProblem['kind'], detail: string): boolean => {
    isOver = true;
    if (isHeadAnswered()) taker.onEnd([]);
    else taker.onProblem({ kind, detail });
    return false;
  };
  const malformed = (detail: string) => fail('malformed', detail);
  const end = (trailers: Parameters<ResponseTaker['onEnd']>[0]): boolean => {
    const problem = length.end();
    if (problem !== undefined) return fail('incomplete', problem);
    isOver = true;
    taker.onEnd(trailers);
    return false;
  };
  const stop = (): boolean => {
    isOver = true;
    return false;
  };
  const sendUpload = () => {
    if (isBodyWanted) outputs.push(...uploading.frames());
  };
  /** Counts bytes of frames that bring nothing, and ends the reading when they are too many. */
  const countOverhead = (bytes: number): boolean => {
    overhead += bytes;
    return overhead <= freeOverhead || malformed('has more frames without headers or data than any response needs');
  };

  const onStart = ({ length: size, type, stream }: FrameHeader, bytes: Buffer): boolean => {
    if (stage === 'settings' && type !== frameTypes.settings) return malformed(notSettings(bytes));
    if (size > longestFrame) return malformed(`has a frame of ${size} bytes; ${longestFrame} are allowed`);
    if (block !== undefined && (type !== frameTypes.continuation || stream !== block.header.stream))
      return malformed('has another frame between HEADERS and CONTINUATION');
    if (type === frameTypes.headers && stream === requestStream && !isFirstByteSeen) {
      isFirstByteSeen = true;
      taker.onFirstByte();
    }
    return true;
  };

  const onData = (header: FrameHeader, payload: Buffer): boolean => {
    if (header.stream !== requestStream) return malformed(`has DATA on the stream ${header.stream}`);
    if (stage !== 'body') return malformed('has DATA before its headers');
    const data = withoutPadding(header, payload);
    if (data === undefined) return malformed('has a DATA frame with more padding than bytes');
    used += payload.length;
    if (used > receiveWindow) return malformed('has more DATA than the window of flow control allows');
    overhead = Math.max(overhead - data.length * overheadPerByte, 0);
    const isLast = (header.flags & frameFlags.endStream) !== 0;
    if (!isLast && !countOverhead(payload.length - data.length + (data.length === 0 ? 9 : 0))) return false;
    const problem = length.add(data.length);
    if (problem !== undefined) return malformed(problem);
    if (data.length > 0 && isHeadAnswered()) return end([]);
    if (data.length > 0 && !taker.onBody(data)) return stop();
    if (isLast) return end([]);
    if (used * 2 >= receiveWindow) {
      outputs.push(windowUpdate(0, used), windowUpdate(requestStream, used));
      used = 0;
    }
    return true;
  };

  const onHeaders = (header: FrameHeader, payload: Buffer): boolean => {
    if (header.stream === 0) return malformed('has HEADERS on the stream 0');
    const part = withoutPadding(header, payload);
    if (part === undefined) return malformed('has a HEADERS frame with more padding than bytes');
    if ((header.flags & frameFlags.endHeaders) !== 0) return onBlock(header, part);
    block = { header, parts: [Buffer.from(part)], length: part.length };
    return true;
  };
  const onContinuation = ({ flags, stream }: FrameHeader, payload: Buffer): boolean => {
    if (block === undefined) return malformed(`has a CONTINUATION without HEADERS on the stream ${stream}`);
    block.length += payload.length;
    if (block.length > headLimit - headBytes) return fail('head_too_large', tooLarge);
    if (payload.length > 0) block.parts.push(Buffer.from(payload));
    else if (!countOverhead(9)) return false;
    if ((flags & frameFlags.endHeaders) === 0) return true;
    const { header, parts } = block;
    block = undefined;
    return onBlock(header, Buffer.concat(parts));
  };

  const onBlock = ({ stream, flags }: FrameHeader, bytes: Buffer): boolean => {
    const fields = fieldTaker(headLimit - headBytes);
    const problem = decoder.decode(bytes, fields.add);
    headBytes += fields.size();
    if (headBytes > headLimit) return fail('head_too_large', tooLarge);
    if (problem !== undefined) return malformed(problem);
    // Of a stream that we do not have: its block had to be decoded, since the next ones may refer to it.
    if (stream !== requestStream) return countOverhead(9 + bytes.length);
    const isLast = (flags & frameFlags.endStream) !== 0;
    if (stage === 'body') {
      const trailers = fields.trailers();
      if ('malformed' in trailers) return malformed(trailers.malformed);
      return isLast ? end(trailers) : malformed('has trailers without the end of the stream');
    }
    const head = fields.head();
    if ('malformed' in head) return malformed(head.malformed);
    if (head.status >= 100 && head.status < 200) {
      if (isLast) return malformed(`ends with the interim status ${head.status}`);
      interims += 1;
      if (interims > mostInterim) return malformed(`has more than ${mostInterim} interim responses before its headers`);
      taker.onInterim(head);
      return !isOver;
    }
    stage = 'body';
    if (!taker.onHead(head)) return stop();
    // Both may have the length of a body that does not come (RFC 9113, section 8.1.1).
    length = bodyLength(head.fields, method !== 'HEAD' && head.status !== 304);
    return isLast ? end([]) : true;
  };

  const onSettings = ({ flags, stream }: FrameHeader, payload: Buffer): boolean => {
    if (stage === 'settings') stage = 'head';
    if (stream !== 0) return malformed('has SETTINGS on a stream');
    if ((flags & frameFlags.acknowledged) !== 0) {
      if (payload.length > 0 || isAcknowledged) return malformed('acknowledges settings that were not sent');
      isAcknowledged = true;
      return true;
    }
    const problem = readSettings(payload, uploading.setInitial);
    if (problem !== undefined) return malformed(problem);
    outputs.push(acknowledgement);
    sendUpload();
    return true;
  };

  const onPing = ({ flags, stream }: FrameHeader, payload: Buffer): boolean => {
    if (stream !== 0 || payload.length !== 8) return malformed('has a PING that is malformed');
    if ((flags & frameFlags.acknowledged) === 0)
      outputs.push(frameBytes(frameTypes.ping, frameFlags.acknowledged, 0, payload));
    return true;
  };

  const onWindowUpdate = ({ stream }: FrameHeader, payload: Buffer): boolean => {
    if (payload.length !== 4) return malformed('has a WINDOW_UPDATE that is not 4 bytes long');
    const increment = payload.readUInt32BE(0) & 0x7f_ff_ff_ff;
    if (increment === 0) return malformed('has a WINDOW_UPDATE of 0 bytes');
    if (stream > requestStream) return true;
    const isInRange = stream === 0 ? uploading.widenConnection(increment) : uploading.widenStream(increment);
    if (!isInRange) return malformed('has a window of flow control of more than 2147483647 bytes');
    sendUpload();
    return true;
  };

  const onResetStream = ({ stream }: FrameHeader, payload: Buffer): boolean => {
    if (stream === 0 || payload.length !== 4) return malformed('has an RST_STREAM that is malformed');
    if (stream !== requestStream) return true;
    const when = stage === 'body' ? 'before its end' : 'before its headers';
    return malformed(`was reset by the server ${when}: RST_STREAM ${errorName(payload.readUInt32BE(0))}`);
  };

  const onGoAway = ({ stream }: FrameHeader, payload: Buffer): boolean => {
    if (stream !== 0 || payload.length < 8) return malformed('has a GOAWAY that is malformed');
    const code = payload.readUInt32BE(4);
    const said = payload.length === 8 ? '' : ` ${quoted(payload.toString('latin1', 8))}`;
    goAway = `GOAWAY ${errorName(code)}${said}`;
    const isOurs = (payload.readUInt32BE(0) & 0x7f_ff_ff_ff) >= requestStream;
    // Our stream may still be answered.
    if (isOurs) return true;
    return fail(code === 0 ? 'incomplete' : 'malformed', `will not come, the server closes the connection: ${goAway}`);
  };

  const onPriority = ({ stream }: FrameHeader, payload: Buffer): boolean =>
    (stream !== 0 && payload.length === 5) || malformed('has a PRIORITY that is malformed');

  const onFrame = (header: FrameHeader, payload: Buffer): boolean => {
    switch (header.type) {
      case frameTypes.data:
        return onData(header, payload);
      case frameTypes.headers:
        return onHeaders(header, payload);
      case frameTypes.continuation:
        return onContinuation(header, payload);
      case frameTypes.pushPromise:
        return malformed('has a PUSH_PROMISE, which was switched off');
    }
    const rest = others[header.type];
    return countOverhead(9 + payload.length) && (rest === undefined || rest(header, payload));
  };
  const others: Readonly<Record<number, (header: FrameHeader, payload: Buffer) => boolean>> = {
    [frameTypes.settings]: onSettings,
    [frameTypes.ping]: onPing,
    [frameTypes.windowUpdate]: onWindowUpdate,
    [frameTypes.resetStream]: onResetStream,
    [frameTypes.goAway]: onGoAway,
    [frameTypes.priority]: onPriority,
  };
  const frames = frameReader({ onStart, onFrame });

  return {
    push: (bytes) => {
      if (!isOver) frames.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    },
    close: () => {
      if (isOver) return;
      const when = stage === 'body' ? 'before the end of its body' : 'before its headers were complete';
      fail('incomplete', `ended ${when}${goAway === undefined ? '' : `: ${goAway}`}`);
    },
    pause: frames.pause,
    resume: frames.resume,
    isOver: () => isOver,
    sendBody: () => {
      isBodyWanted = true;
      sendUpload();
    },
    output: () => {
      if (outputs.length === 0 || isOver) return undefined;
      const bytes = Buffer.concat(outputs);
      outputs = [];
      return bytes;
    },
  };
};

const acknowledgement = frameBytes(frameTypes.settings, frameFlags.acknowledged, 0, Buffer.alloc(0));

const tooLarge = `has more than ${headLimit} bytes of headers`;
