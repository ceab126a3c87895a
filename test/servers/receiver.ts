import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as oracle from 'prometheus-remote-write';
import { uncompress } from '../../src/protocol/snappy.ts';
import { listening } from './tcp.ts';

/** A request as it came in. `series` are read by a decoder that is not ours: labels to the one value of each. */
export type Push = {
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
    readonly at: number;
  }[];
};

/** What the receiver does with a push: a status, with headers and text; or whatever it likes with the response. */
export type Behaviour = (
  push: Push,
  response: ServerResponse,
  count: number,
) => number | { status: number; headers?: Record<string, string>; text?: string } | undefined;

/** A receiver of remote write that misbehaves on request. */
export type Receiver = AsyncDisposable & {
  readonly url: string;
  readonly pushes: readonly Push[];
  readonly stored: () => string[];
  /** Ends all connections that are open. */
  readonly cut: () => void;
};

/** Starts a receiver; it accepts everything unless told otherwise. `stored` are the metric names of pushes answered with 2xx, in order. */
export const receiver = async (behave: Behaviour = () => 204): Promise<Receiver> => {
  const pushes: Push[] = [];
  const stored: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('error', () => {});
    await once(request, 'end');
    const push = await read(request, Buffer.concat(chunks));
    pushes.push(push);
    const said = behave(push, response, pushes.length);
    if (said === undefined) return;
    const { status, headers = {}, text = '' } = typeof said === 'number' ? { status: said } : said;
    if (status >= 200 && status < 300) stored.push(...push.series.map(({ labels }) => labels.__name__ ?? ''));
    response.writeHead(status, headers).end(text);
  });
  const { port, cut, [Symbol.asyncDispose]: dispose } = await listening(server);
  const url = `http://127.0.0.1:${port}/api/v1/write`;
  return { url, pushes, stored: () => stored, cut, [Symbol.asyncDispose]: dispose };
};

type Decoded = {
  timeseries?: readonly {
    labels: readonly { name: string; value: string }[];
    samples: readonly { value?: number; timestamp?: number | string }[];
  }[];
};

const read = async (request: IncomingMessage, body: Buffer): Promise<Push> => {
  const raw = uncompress(body, 64 * 1_024 * 1_024);
  if (!raw.ok) return { headers: request.headers, body, series: [] };
  // safe: its code wants a Buffer and gives a WriteRequest; its types say a plain buffer, and describe one series only
  const decoded = (await oracle.deserialize(Buffer.from(raw.bytes) as unknown as ArrayBuffer)) as unknown as Decoded;
  const series = (decoded.timeseries ?? []).map(({ labels, samples }) => ({
    labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
    value: samples[0]?.value ?? 0,
    at: Number(samples[0]?.timestamp ?? 0),
  }));
  return { headers: request.headers, body, series };
};
