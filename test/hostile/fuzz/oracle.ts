import { type } from '../frames.ts';
import type { Case } from './cases.ts';

/**
 * Whether an answer may count as a success at all, by rules of its own and lenient ones: what it calls impossible no reading of the
 * standard makes possible. A sentence says why it is impossible.
 */
export const whyNoSuccess = (kind: 'http/1.1' | 'http/2', { bytes, end }: Case): string | undefined =>
  kind === 'http/1.1' ? http1(bytes, end) : http2(bytes);

const http1 = (all: Buffer, end: Case['end']): string | undefined => {
  let bytes = all;
  for (;;) {
    const text = bytes.toString('latin1');
    const separator = /\r?\n\r?\n/.exec(text);
    if (separator === null) return 'the head has no end';
    const head = text.slice(0, separator.index);
    const status = /^HTTP\/\d\.\d +(\d{3})(?: |\r|\n|$)/.exec(head)?.[1];
    if (status === undefined) return 'there is no status line';
    const body = bytes.subarray(separator.index + separator[0].length);
    if (status.startsWith('1') && status !== '101') {
      bytes = body;
      continue;
    }
    if (!status.startsWith('2')) return `the status is ${status}`;
    return status === '204' ? undefined : framing(head, body, end);
  }
};

const framing = (head: string, body: Buffer, end: Case['end']): string | undefined => {
  const encodings = [...head.matchAll(/^transfer-encoding[ \t]*:(.*?)\r?$/gim)].map(([, value = '']) => value);
  // Another encoding than chunked at the end leaves the length to the end of the connection (RFC 9112, section 6.3).
  // HTTP/1.0 knows no transfer codings.
  const isChunked = head.slice(5, 8) >= '1.1' && /(?:^|,)[ \t]*chunked[ \t]*$/i.test(encodings.join(','));
  const lengths = [...head.matchAll(/^content-length[ \t]*:[ \t]*(\d+)[ \t]*\r?$/gim)].map(([, digits]) =>
    Number(digits),
  );
  if (isChunked) return lastChunk(body) ? undefined : 'the last chunk is missing';
  if (lengths.length > 0)
    return body.length >= Math.min(...lengths) ? undefined : 'the body is shorter than its length';
  if (end === 'reset') return 'the connection was reset, and its end is the length';
  return end === 'open' ? 'the connection is open, and its end is the length' : undefined;
};

/** Whether somewhere in the body there is a line that is a last chunk. */
const lastChunk = (body: Buffer): boolean => /(?:^|\n)0+[ \t]*(?:;[^\n]*)?\r?\n/.test(body.toString('latin1'));

const http2 = (bytes: Buffer): string | undefined => {
  let hasHead = false;
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    const [kind, flags, stream] = [bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5) & 0x7fffffff];
    if (kind === type.headers && stream === 1) hasHead = true;
    if (stream === 1 && (kind === type.headers || kind === type.data) && (flags & 1) === 1)
      return hasHead ? undefined : 'DATA ends a stream that has no head';
    if (kind === type.rst && stream === 1) return 'the stream was reset';
    at += 9 + length;
  }
  return 'no frame ends the stream';
};

/** The same for an answer to a DNS query for an A record that must be 192.0.2.1. */
export const whyNoDnsSuccess = (answer: Buffer, right: Buffer): string | undefined => {
  if (answer.length < 12) return 'it is shorter than a header';
  if (answer.readUInt16BE(0) !== right.readUInt16BE(0)) return 'the id is another';
  if (((answer[2] ?? 0) & 0x80) === 0) return 'it is a query';
  if (((answer[3] ?? 0) & 0x0f) !== 0) return 'the code is another';
  const questions = answer.readUInt16BE(4);
  const end = 12 + 21;
  const asked = (bytes: Buffer) => bytes.toString('latin1', 12, end).toLowerCase();
  if (questions > 0 && asked(answer) !== asked(right)) return 'the question is another';
  return answer.includes(Buffer.from([192, 0, 2, 1])) ? undefined : 'the record is not there';
};
