import type { Socket } from 'node:net';
import type { Seconds } from '../../kernel/check.ts';
import { type Failure, failure } from '../../kernel/reason.ts';

/** One request as it goes out. `headers` are names and values in turn, Host included; `path` has the query. */
export type Request = {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
};

/** The head of an answer. Header names are in lower case; a header that comes twice has two values. */
export type Head = {
  readonly status: number;
  readonly version: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
};

/**
 * What takes an answer as it comes in. Returning false ends the exchange: the rest is not wanted. A promise means that no more can be
 * taken before it resolves, to the same; until then the exchange does not read, and so the peer cannot send.
 */
export type Taker = {
  readonly onHead: (head: Head, at: Seconds) => boolean;
  readonly onBody: (chunk: Uint8Array) => boolean | Promise<boolean>;
};

/**
 * How an exchange ended. `firstByteAt` and `endedAt` are seconds since the run's start; `endedAt` is there when the answer is
 * complete or was cut by the taker.
 */
export type Exchanged = { readonly firstByteAt?: Seconds; readonly endedAt?: Seconds; readonly failure?: Failure };

/** Sends a request on a connection and hands the answer to the taker. Never rejects; the socket is destroyed at the end. */
export type Exchange = (
  socket: Socket,
  request: Request,
  taker: Taker,
  signal: AbortSignal,
  mark: (what: string) => Seconds,
) => Promise<Exchanged>;

/** The largest head of an answer, in bytes, with all interim ones before it. Go's limit is larger, Node's default is 16 KiB. */
export const headLimit = 256 * 1_024;

/** Interim answers (100 to 199) that may come before the final one. Go takes five, curl any number. */
export const mostInterim = 32;

/** The failure of an answer that does not come for interim ones. */
export const tooManyInterim = (): Failure =>
  failure(
    'protocol_error',
    'transfer',
    `more than ${mostInterim} interim answers (status 100 to 199) and no final one`,
  );

/** Header lines by lower-case name, from names and values in turn. */
export const headerMap = (flat: readonly (string | Uint8Array)[]): Map<string, string[]> => {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = textOf(flat[index]).toLowerCase();
    const value = textOf(flat[index + 1]);
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value);
  }
  return headers;
};

const textOf = (value: string | Uint8Array | undefined): string =>
  typeof value === 'string' ? value : Buffer.from(value ?? []).toString('latin1');
