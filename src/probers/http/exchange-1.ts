import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import type { Seconds } from '../../kernel/check.ts';
import type { Failure } from '../../kernel/reason.ts';
import { failureOf } from '../../net/failure.ts';
import { type Exchange, type Exchanged, headerMap, headLimit, type Request, type Taker } from './exchange.ts';
import { framing } from './framing.ts';

/** Connections of undici that are kept between probes, one in use per exchange: making one costs more than a plain probe. */
type Slot = { readonly client: Client; socket: Socket | undefined };

/** HTTP/1.1 exchanges by undici over sockets that are ours. Disposing closes what is kept. */
export type Http1 = AsyncDisposable & { readonly exchange: Exchange };

/** Loads undici on first use. */
export const http1 = (): Http1 => {
  const free: Slot[] = [];
  const take = async (): Promise<Slot> => free.pop() ?? newSlot();
  const exchange: Exchange = async (socket, request, taker, signal, mark) => {
    const slot = await take();
    slot.socket = socket;
    const exchanged = await dispatch(slot, socket, request, taker, signal, mark);
    socket.destroy();
    slot.socket = undefined;
    if (free.length < mostFree) free.push(slot);
    else void slot.client.destroy();
    return exchanged;
  };
  return {
    exchange,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(free.splice(0).map(({ client }) => client.destroy()));
    },
  };
};

const mostFree = 64;

const newSlot = async (): Promise<Slot> => {
  const undici = await import('undici');
  // The origin is never dialled: the connector hands over the socket of the exchange at hand.
  const slot: Slot = {
    socket: undefined,
    client: new undici.Client('http://target.invalid', {
      connect: (_options, callback) => {
        const { socket } = slot;
        // Answering at once would find undici still in the middle of asking.
        queueMicrotask(() =>
          socket === undefined || socket.destroyed ? callback(gone, null) : callback(null, socket),
        );
      },
      pipelining: 1,
      maxHeaderSize: headLimit,
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: 0,
      allowH2: false,
    }),
  };
  return slot;
};

const dispatch = (
  { client }: Slot,
  socket: Socket,
  request: Request,
  taker: Taker,
  signal: AbortSignal,
  mark: (what: string) => Seconds,
): Promise<Exchanged> =>
  new Promise((resolve) => {
    let firstByteAt: Seconds | undefined;
    let version = 'HTTP/1.1';
    let isOver = false;
    let problem: unknown;
    const count = framing();
    const end = (rest: Omit<Exchanged, 'firstByteAt'>) => {
      isOver = true;
      resolve({ ...(firstByteAt === undefined ? {} : { firstByteAt }), ...rest });
    };
    const fail = (failed: Failure) => {
      if (!isOver) end({ failure: failed });
      socket.destroy();
    };
    socket.once('error', (error) => {
      problem = error;
    });
    // undici tells neither when the first byte came nor the version of the answer, so what it reads is looked at.
    const read = socket.read;
    socket.read = (size?: number) => {
      const chunk = read.call(socket, size);
      if (chunk === null) return null;
      if (firstByteAt === undefined) {
        firstByteAt = mark('answered');
        const start = String(chunk.subarray(0, 8).toString('latin1'));
        if (start === 'HTTP/1.0') version = start;
      }
      const excess = count.read(chunk.length);
      if (excess === undefined) return chunk;
      fail(excess);
      return null;
    };
    // What undici has read and cannot take yet it puts back, and reads again.
    const unshift = socket.unshift;
    socket.unshift = (chunk: Uint8Array) => {
      count.read(-chunk.length);
      unshift.call(socket, chunk);
    };
    const stop = (controller: Dispatcher.DispatchController) => {
      if (isOver) return;
      end({ endedAt: mark('transferred') });
      controller.abort(enough);
    };
    const pause = async (controller: Dispatcher.DispatchController, taken: Promise<boolean>) => {
      controller.pause();
      if (await taken) controller.resume();
      else stop(controller);
    };
    client.dispatch(
      {
        path: request.path,
        method: request.method as Dispatcher.HttpMethod, // safe: undici takes any token, its type only the common ones
        headers: request.headers.flat(),
        body: request.body === undefined ? null : Buffer.from(request.body),
        reset: true,
      },
      {
        onRequestStart: () => {},
        onResponseStart: (controller, status, headers) => {
          if (isOver) return;
          if (status < 200) {
            const tooMany = count.interim();
            if (tooMany !== undefined) fail(tooMany);
            return;
          }
          count.head();
          const flat = Array.isArray(controller.rawHeaders)
            ? controller.rawHeaders
            : Object.entries(headers).flat().map(String);
          const wanted = taker.onHead({ status, version, headers: headerMap(flat) }, firstByteAt ?? mark('answered'));
          if (!wanted) stop(controller);
        },
        onResponseData: (controller, chunk) => {
          // After a pause undici 8.12 goes on with no bytes at all; to wait for those to be taken would pause it again, for ever.
          if (isOver || chunk.length === 0) return;
          count.body(chunk.length);
          const wanted = taker.onBody(chunk);
          if (wanted === false) stop(controller);
          else if (wanted !== true) void pause(controller, wanted);
        },
        onResponseEnd: () => {
          // Where nothing says how long the body is, its end is that of the connection, and undici takes any end for it: a reset, and ours.
          const isCut = signal.aborted || problem !== undefined || (socket.destroyed && !socket.readableEnded);
          if (!isOver)
            end(
              isCut ? { failure: failureOf(problem ?? closed, 'transfer', signal) } : { endedAt: mark('transferred') },
            );
          // undici would do it next, with an error whose stack trace costs as much as the rest of the exchange.
          socket.destroy();
        },
        onResponseError: (_controller, error) => {
          if (!isOver)
            end({ failure: failureOf(error, firstByteAt === undefined ? 'processing' : 'transfer', signal) });
        },
      },
    );
  });

const closed = { code: 'UND_ERR_SOCKET' };

/**
 * The connection ended before the request was on its way. Handed over all the same, undici 8.12 would refuse it with an error that it
 * takes for passing, and ask for another one at once, for ever. For this code it lets the request fail.
 */
const gone = Object.assign(new Error('the connection is gone'), { code: 'ENOTCONN' });

const enough = new Error('the rest of the answer is not wanted');
