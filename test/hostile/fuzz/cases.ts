import { endHeaders, endStream, frame, greeting, literal, status200, type } from '../frames.ts';
import { mutate, type Random, randomOf } from './mutate.ts';

/** What is mutated. */
export const kinds = ['tls', 'http/1.1', 'http/2', 'dns'] as const;
/** A key of {@link kinds}. */
export type Kind = (typeof kinds)[number];

/** How a server ends after what it has sent: it closes, resets, or leaves the connection open. */
export type End = 'fin' | 'reset' | 'open';

/** What a server does in one case: its bytes, whether they were changed or cut, and how it ends. */
export type Case = { readonly bytes: Buffer; readonly change: 'none' | 'mutated' | 'cut'; readonly end: End };

/** The share of cases that are left as they are: without successes the absence of wrong ones shows nothing. */
const intact = 0.05;

const http1 = [
  'HTTP/1.1 200 OK\r\nServer: a\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello, world',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nX-Trailer: c\r\n\r\n',
  'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello, world',
  'HTTP/1.0 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b; Path=/\r\n\r\nhello',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nLast-Modified: Tue, 15 Nov 1994 12:45:26 GMT\r\n\r\nhello',
  'HTTP/1.1 204 No Content\r\nServer: a\r\n\r\n',
].map((text) => Buffer.from(text));

const http2 = [
  [
    frame(
      type.headers,
      endHeaders,
      1,
      Buffer.concat([status200, literal('server', 'a'), literal('content-length', '5')]),
    ),
    frame(type.data, endStream, 1, Buffer.from('hello')),
  ],
  [
    frame(type.headers, 0, 1, status200),
    frame(type.continuation, endHeaders, 1, literal('x', 'yz')),
    frame(type.data, 0, 1, Buffer.from('he')),
    frame(type.data, endStream, 1, Buffer.from('llo')),
  ],
  [frame(type.headers, endHeaders | endStream, 1, Buffer.concat([status200, literal('x', 'y')]))],
  [
    frame(type.headers, endHeaders, 1, status200),
    frame(type.data, 0, 1, Buffer.from('hello')),
    frame(type.headers, endHeaders | endStream, 1, literal('x-trailer', 'y')),
  ],
].map((frames) => Buffer.concat([greeting, ...frames]));

const pick = <T>(from: readonly T[], random: Random): T => {
  const picked = from[random.below(from.length)];
  if (picked === undefined) throw new Error('there is nothing to pick from');
  return picked;
};

/** The bytes of a case from an answer that is right: left, mutated, or cut and ended in one of three ways. */
const caseFrom = (right: Buffer, random: Random): Case => {
  const share = random.share();
  if (share < intact) return { bytes: right, change: 'none', end: 'fin' };
  // Few are left open: each of them costs the whole time limit.
  const end: End = random.share() < 0.03 ? 'open' : random.share() < 0.3 ? 'reset' : 'fin';
  if (share < 0.3) return { bytes: right.subarray(0, random.below(right.length)), change: 'cut', end };
  return { bytes: mutate(right, random), change: 'mutated', end };
};

/** The answer of HTTP in case `id` of a seed. */
export const httpCase = (kind: 'http/1.1' | 'http/2', seed: number, id: number): Case => {
  const random = randomOf(seed, id, kind === 'http/1.1' ? 1 : 2);
  return caseFrom(pick(kind === 'http/1.1' ? http1 : http2, random), random);
};

/** The answer to a query in case `id` of a seed, from the right answer. A cut one is a packet that is too short. */
export const dnsCase = (right: Buffer, seed: number, id: number): Case => caseFrom(right, randomOf(seed, id, 3));

/** The certificates in case `id`: which of the two is mutated, and to what; undefined when they are left. */
export const tlsCase = (
  certificates: readonly Buffer[],
  seed: number,
  id: number,
): { readonly certificates: readonly Buffer[]; readonly changed: boolean } => {
  const random = randomOf(seed, id, 4);
  if (random.share() < intact) return { certificates, changed: false };
  const which = random.below(certificates.length);
  return {
    changed: true,
    certificates: certificates.map((der, index) => (index === which ? mutate(der, random) : der)),
  };
};
