import { Buffer } from 'node:buffer';
import { encodeHpack } from './hpack.ts';
import type { Field } from './http1-head.ts';
import { headLimit } from './http1-reader.ts';
import type { RequestParts } from './http1-request.ts';
import {
  connectionPreface,
  frameBytes,
  frameFlags,
  frameTypes,
  longestFrame,
  settingIds,
  settingsFrame,
  windowUpdate,
} from './http2-frames.ts';

/** The windows of flow control that we open, for the one stream and for the connection, in bytes. */
export const receiveWindow = 512 * 1_024;

/** The window that a connection has before any WINDOW_UPDATE, in bytes. */
export const initialWindow = 65_535;

/** The stream of the first request of a client. */
export const requestStream = 1;

/** The first bytes of a connection, up to the end of the request's head, and the body. */
export type Http2RequestBytes = {
  readonly opening: Buffer;
  readonly body: Uint8Array | undefined;
  readonly awaitsContinue: boolean;
};

/** Headers of one connection, which HTTP/2 does not have (RFC 9113, section 8.2.2), and those that go out in another form. */
const leftOut = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'content-length',
]);

/** Headers that proxies on the way must not keep in their tables. */
const sensitive = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** Methods that announce an empty body too (RFC 9110, section 8.6). */
const withLength = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Writes the start of a connection with one request: preface, settings, window, head. The Host header becomes `:authority`; headers
 * of the connection are left out. `undefined` if a name, value or path cannot be sent.
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-3.4 and section 8.3.1
 */
export const http2RequestBytes = (
  { method, path, headers, body }: RequestParts,
  scheme: 'http' | 'https',
): Http2RequestBytes | undefined => {
  const fields: Field[] = [];
  let authority = '';
  let awaitsContinue = false;
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (!fieldName.test(key) || unsafe.test(value)) return undefined;
    if (key === 'host') authority = value;
    if (key === 'expect') awaitsContinue = value.toLowerCase() === '100-continue' && body !== undefined;
    if (!leftOut.has(key)) fields.push([key, value]);
  }
  if (unsafe.test(method) || unsafe.test(path)) return undefined;
  if (body !== undefined || withLength.has(method)) fields.push(['content-length', String(body?.length ?? 0)]);
  const pseudo: readonly Field[] = [
    [':authority', authority],
    [':method', method],
    [':path', path],
    [':scheme', scheme],
  ];
  const block = encodeHpack([...pseudo, ...fields], (name) => sensitive.has(name));
  return { opening: Buffer.concat([hello, ...headFrames(block, body === undefined)]), body, awaitsContinue };
};

const headFrames = (block: Buffer, isLast: boolean): Buffer[] => {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += longestFrame) {
    const isEnd = at + longestFrame >= block.length;
    const flags = (isEnd ? frameFlags.endHeaders : 0) | (at === 0 && isLast ? frameFlags.endStream : 0);
    const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
    frames.push(frameBytes(type, flags, requestStream, block.subarray(at, at + longestFrame)));
  }
  return frames;
};

/** The same for every connection. */
const hello = Buffer.concat([
  Buffer.from(connectionPreface, 'latin1'),
  settingsFrame([
    [settingIds.enablePush, 0],
    [settingIds.initialWindowSize, receiveWindow],
    [settingIds.maxHeaderListSize, headLimit],
  ]),
  windowUpdate(0, receiveWindow - initialWindow),
]);

const fieldName = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Control characters other than a tab, and what is not a byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a value must not hold them (RFC 9110, section 5.5)
const unsafe = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;
