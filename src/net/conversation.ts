import type { Socket } from 'node:net';
import { noteRead } from '../kernel/garbage.ts';
import type { Failure, Phase } from '../kernel/reason.ts';
import { failure } from '../kernel/reason.ts';
import { byteQueue } from '../protocol/byte-queue.ts';
import { failureOf } from './failure.ts';
import { noteMessage } from './reads.ts';

/** What reading gave: bytes, the end of the input with what was left of it, or a failure. */
export type Read =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly rest: Uint8Array }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Reads and writes a socket in turns. One reader at a time. */
export type Conversation = {
  readonly line: () => Promise<Read>;
  readonly bytes: (count: number) => Promise<Read>;
  /** Resolves when the system has taken the bytes, or to why it did not. */
  readonly write: (bytes: Uint8Array) => Promise<Failure | undefined>;
  /** Stops listening, so that the socket can be handed on (to TLS). False if bytes had come in that nobody read. */
  readonly release: () => boolean;
};

/** A line or a message longer than this is a failure. */
const most = 64 * 1_024;

/** Starts a conversation on a socket that is open. The socket's owner closes it. */
export const conversation = (socket: Socket, signal: AbortSignal, phase: Phase = 'transfer'): Conversation => {
  const queue = byteQueue();
  let ended = false;
  let problem: unknown;
  let wake = () => {};
  const onData = (chunk: Buffer) => {
    queue.push(chunk);
    noteRead(chunk.length);
    // Back-pressure: a peer that floods us waits until we have read.
    if (queue.length() > most) socket.pause();
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  const onError = (error: unknown) => {
    problem = error;
    ended = true;
    wake();
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', onEnd);
  socket.on('error', onError);
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      socket.resume();
    });
  const read = async (take: () => Uint8Array | undefined): Promise<Read> => {
    for (;;) {
      const bytes = take();
      if (bytes !== undefined) return { kind: 'bytes', bytes };
      if (signal.aborted || problem !== undefined)
        return { kind: 'failed', failure: failureOf(problem, phase, signal) };
      if (ended) return { kind: 'end', rest: queue.rest() };
      if (queue.length() > most)
        return {
          kind: 'failed',
          failure: failure('protocol_error', phase, `more than ${most} bytes without the end of a line`),
        };
      await more();
    }
  };
  return {
    line: () => {
      noteMessage(signal, 0);
      return read(queue.line);
    },
    bytes: (count) => read(() => queue.bytes(count)),
    write: (bytes) =>
      new Promise((resolve) => {
        socket.write(bytes, (error) => resolve(error ? failureOf(error, 'request', signal) : undefined));
      }),
    release: () => {
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      socket.pause();
      return queue.length() === 0;
    },
  };
};
