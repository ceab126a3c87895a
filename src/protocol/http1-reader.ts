import { Buffer } from 'node:buffer';
import { chunkReader } from './http1-chunks.ts';
import { framingOf } from './http1-framing.ts';
import { type Field, fieldsOf, type ResponseHead, responseHead, startProblem } from './http1-head.ts';

/** Why a response cannot be used; `detail` is the end of the sentence "the response ...". */
export type ResponseProblem = {
  readonly kind: 'malformed' | 'head_too_large' | 'incomplete';
  readonly detail: string;
};

/**
 * What takes a response apart from its bytes. `onHead` and `onBody` end the reading by returning false; `onBody` stops it with `wait`, until
 * the reader is told to go on. Exactly one of `onEnd` and `onProblem` is called, unless the taker ended the reading.
 */
export type ResponseTaker = {
  /** An interim response (RFC 9110, section 15.2): 100, 103 and the like, not 101. */
  readonly onInterim: (head: ResponseHead) => void;
  readonly onHead: (head: ResponseHead) => boolean;
  /** Bytes of the body with the framing taken off; never empty. Valid during the call only. */
  readonly onBody: (bytes: Uint8Array) => boolean | 'wait';
  /** The response is complete. `trailers` are those of a chunked body. */
  readonly onEnd: (trailers: readonly Field[]) => void;
  readonly onProblem: (problem: ResponseProblem) => void;
};

/** Reads one response. Calls after its end do nothing. */
export type ResponseReader = {
  readonly push: (bytes: Uint8Array) => void;
  /** Goes on after a `wait`. */
  readonly resume: () => void;
  /** The peer closed its side in order: the end of a body without length, and a problem everywhere else. */
  readonly close: () => void;
  readonly isOver: () => boolean;
};

/** The most bytes of all heads of a response together, and of its trailers: 256 KiB, as Chromium has it. Go's limit is larger. */
export const headLimit = 256 * 1_024;

/** Interim responses that may come before the final one. Go and curl count their bytes alone. */
export const mostInterim = 256;

/**
 * Reads the response to a request with `method` on a connection of its own: interim responses, head, body by whichever framing,
 * trailers. Bytes behind the end are ignored. Never throws; time and memory are linear in the input, and a head is kept up to the limit.
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export const responseReader = (method: string, taker: ResponseTaker, mostHeadBytes = headLimit): ResponseReader => {
  let state: State = 'head';
  /** The head or the trailers as far as they have come. Grows by doubling, so that bytes that trickle in are copied a few times only. */
  let held: Buffer = Buffer.alloc(0);
  let length = 0;
  /** Where the search for the end of a head goes on, so that one that trickles in is not searched again and again. */
  let searched = 0;
  let isStartChecked = false;
  let isWaiting = false;
  let isClosed = false;
  /** What came in while the taker could take no more. */
  let pending: Buffer | undefined;
  let headBytes = 0;
  let interim = 0;
  let left = 0;
  const chunks = chunkReader();

  const fail = (kind: ResponseProblem['kind'], detail: string): undefined => {
    state = 'over';
    held = Buffer.alloc(0);
    taker.onProblem({ kind, detail });
  };
  const end = (trailers: readonly Field[]) => {
    state = 'over';
    taker.onEnd(trailers);
  };
  const hold = (bytes: Buffer) => {
    if (length === 0) held = bytes;
    else {
      if (held.length < length + bytes.length || isBorrowed) {
        const grown = Buffer.allocUnsafe(2 * (length + bytes.length));
        held.copy(grown, 0, 0, length);
        held = grown;
      }
      bytes.copy(held, length);
    }
    isBorrowed = length === 0;
    length += bytes.length;
  };
  /** Whether `held` is a chunk of the socket's, which may not be written to. */
  let isBorrowed = false;
  /** Takes the lines up to an empty one, and what is behind them; `undefined` while they are not complete. */
  const takeLines = (bytes: Buffer): { readonly text: string; readonly rest: Buffer } | undefined => {
    hold(bytes);
    const stop = endOfLines(held.subarray(0, length), searched);
    headBytes += (stop ?? length) - searched;
    if (headBytes > mostHeadBytes) return fail('head_too_large', `has more than ${mostHeadBytes} bytes of headers`);
    searched = stop === undefined ? length : 0;
    if (stop === undefined) return undefined;
    const taken = { text: held.toString('latin1', 0, stop), rest: held.subarray(stop, length) };
    length = 0;
    return taken;
  };
  const readHead = (bytes: Buffer): Buffer | undefined => {
    const taken = takeLines(bytes);
    if (taken === undefined) return state === 'head' ? checkStart() : undefined;
    isStartChecked = false;
    const head = responseHead(withoutLastLine(taken.text));
    if ('malformed' in head) return fail('malformed', head.malformed);
    if (head.status < 200 && head.status >= 100 && head.status !== 101) {
      interim += 1;
      if (interim > mostInterim) return fail('malformed', `begins with more than ${mostInterim} interim responses`);
      taker.onInterim(head);
      return taken.rest;
    }
    const framing = framingOf(head, method);
    if ('malformed' in framing) return fail('malformed', framing.malformed);
    if (framing.by === 'length') left = framing.length;
    state = framing.by === 'none' ? 'over' : framing.by;
    if (!taker.onHead(head)) state = 'over';
    else if (framing.by === 'none') taker.onEnd([]);
    return taken.rest;
  };
  /** A peer of another protocol is known by its first bytes: there is no need to wait for the end of its head. */
  const checkStart = (): undefined => {
    if (isStartChecked || length < longestVersion) return undefined;
    isStartChecked = true;
    const start = held.toString('latin1', 0, Math.min(length, 64));
    const problem = startProblem(start);
    return problem === undefined ? undefined : fail('malformed', problem);
  };
  /** Whether the reading goes on behind these bytes. */
  const deliver = (data: Uint8Array): boolean => {
    const wanted = taker.onBody(data);
    if (wanted === 'wait') isWaiting = true;
    else if (!wanted) state = 'over';
    return wanted === true;
  };
  const readBody = (bytes: Buffer): Buffer | undefined => {
    const data = state === 'length' && bytes.length > left ? bytes.subarray(0, left) : bytes;
    left -= data.length;
    if (deliver(data)) endAtLength();
    return undefined;
  };
  const endAtLength = () => {
    if (state === 'length' && left === 0) end([]);
  };
  const readChunks = (bytes: Buffer): Buffer | undefined => {
    const result = chunks.read(bytes, deliver);
    if (isOver()) return undefined;
    if ('malformed' in result) return fail('malformed', result.malformed);
    if (result.done) state = 'trailers';
    return bytes.subarray(result.next);
  };
  const readTrailers = (bytes: Buffer): Buffer | undefined => {
    // Without trailers the empty line comes at once, and nothing before it to search for.
    if (length === 0) hold(emptyLine);
    const taken = takeLines(bytes);
    if (taken === undefined) return undefined;
    const fields = fieldsOf(withoutLastLine(taken.text).slice(2));
    if ('malformed' in fields) return fail('malformed', fields.malformed);
    end(fields);
    return undefined;
  };
  const steps = { head: readHead, length: readBody, close: readBody, chunks: readChunks, trailers: readTrailers };

  const isOver = () => state === 'over';
  const read = (bytes: Buffer) => {
    let rest: Buffer | undefined = bytes;
    while (rest !== undefined && rest.length > 0 && state !== 'over' && !isWaiting) rest = steps[state](rest);
    if (isWaiting && rest !== undefined && rest.length > 0)
      pending = pending === undefined ? rest : Buffer.concat([pending, rest]);
  };
  const close = () => {
    isClosed = true;
    if (state === 'over' || isWaiting) return;
    if (state === 'close') end([]);
    else fail('incomplete', incomplete[state](left));
  };
  return {
    push: (bytes) => read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    resume: () => {
      isWaiting = false;
      const bytes = pending;
      pending = undefined;
      endAtLength();
      if (bytes !== undefined) read(bytes);
      if (isClosed) close();
    },
    close,
    isOver,
  };
};

type State = 'head' | 'length' | 'chunks' | 'trailers' | 'close' | 'over';

const incomplete = {
  head: () => 'ended before its headers were complete',
  length: (left: number) => `ended ${left} bytes before its Content-Length`,
  chunks: () => 'ended before its last chunk',
  trailers: () => 'ended before the end of its trailers',
} as const;

const lf = 0x0a;
const cr = 0x0d;

/** What stands before trailers, so that "none" looks like a head that ends. */
const emptyLine = Buffer.from('\r\n');

/** Bytes of `HTTP/1.1 200`: from then on it can be seen whether a status line has begun. */
const longestVersion = 12;

const withoutLastLine = (text: string) => text.replace(/\r?\n\r?\n$/, '');

/** Where the lines end whose last one is empty, or `undefined` while it is not there. A search that goes on looks back 3 bytes. */
const endOfLines = (bytes: Buffer, from: number): number | undefined => {
  const { length } = bytes;
  for (let at = bytes.indexOf(lf, Math.max(from - 3, 0)); at !== -1; at = bytes.indexOf(lf, at + 1)) {
    if (at + 1 < length && bytes[at + 1] === lf) return at + 2;
    if (at + 2 < length && bytes[at + 1] === cr && bytes[at + 2] === lf) return at + 3;
  }
  return undefined;
};
