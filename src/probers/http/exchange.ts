import type { Socket } from 'node:net';
import type { Seconds } from '../../kernel/check.ts';
import type { Failure } from '../../kernel/reason.ts';

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

/** What takes an answer as it comes in. Returning false ends the exchange: the rest is not wanted. */
export type Taker = {
  readonly onHead: (head: Head, at: Seconds) => boolean;
  readonly onBody: (chunk: Uint8Array) => boolean;
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

/** The largest head of an answer, in bytes. Go's limit is larger, Node's default is 16 KiB. */
export const headLimit = 256 * 1_024;

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
