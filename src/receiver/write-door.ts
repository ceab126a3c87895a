import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { uncompress } from '../protocol/snappy.ts';
import { decodeWriteRequest } from '../protocol/write-request-decoder.ts';
import type { Observation } from './board.ts';

/** The largest request that is taken, in bytes as sent and when unpacked. */
const limits = { compressed: 8 * 1_024 * 1_024, plain: 32 * 1_024 * 1_024 };

/**
 * Answers a remote-write 1.0 request and hands its samples on: 204, 415 for another format, 413 for too much, 400 for what
 * cannot be read. Nothing is stored.
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export const takeWriteRequest = async (
  request: IncomingMessage,
  response: ServerResponse,
  observe: (samples: Iterable<Observation>) => void,
): Promise<void> => {
  const answer = (status: number, why = '') => void response.writeHead(status).end(why);
  if (request.headers['content-encoding'] !== 'snappy') return answer(415, 'send it with Content-Encoding: snappy\n');
  const body = await bodyOf(request);
  if (body === undefined) return answer(413, 'the request is too large\n');
  const plain = uncompress(body, limits.plain);
  if (!plain.ok) return answer(400, `the body cannot be unpacked: ${plain.why}\n`);
  const decoded = decodeWriteRequest(plain.bytes);
  if (!decoded.ok) return answer(400, `the body is no WriteRequest: ${decoded.why}\n`);
  for (const { labels, samples } of decoded.series) observe(samples.map(({ at, value }) => ({ labels, at, value })));
  answer(204);
};

const bodyOf = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > limits.compressed) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
