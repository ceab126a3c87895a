import type { Socket } from 'node:net';

/** What a run has read, as bytes; a message counts for at least {@link leastMessage}. */
export type Reads = {
  readonly own: () => number;
  /** What all runs of the process read meanwhile, this one included; never less than in truth. */
  readonly all: () => number;
  readonly end: () => void;
};

type Meter = { readonly sockets: Socket[]; messages: number };

/** A datagram or a line costs some ten microseconds, however small it is. */
const leastMessage = 500;

const meters = new Map<AbortSignal, Meter>();
let ofEnded = 0;

/** Starts to count what is read on the sockets of a run, which are known by its signal. */
export const countReads = (signal: AbortSignal): Reads => {
  const meter: Meter = { sockets: [], messages: 0 };
  meters.set(signal, meter);
  const before = ofEnded;
  return {
    own: () => bytesOf(meter),
    all: () => {
      let all = ofEnded - before;
      for (const one of meters.values()) all += bytesOf(one);
      return all;
    },
    end: () => {
      meters.delete(signal);
      ofEnded += bytesOf(meter);
    },
  };
};

/** A run opened a socket. */
export const noteSocket = (signal: AbortSignal, socket: Socket): void => {
  meters.get(signal)?.sockets.push(socket);
};

/** A run took a message of so many bytes: a datagram, or a line that it judges. */
export const noteMessage = (signal: AbortSignal, bytes: number): void => {
  const meter = meters.get(signal);
  if (meter !== undefined) meter.messages += Math.max(bytes, leastMessage);
};

const bytesOf = ({ sockets, messages }: Meter): number => {
  let bytes = messages;
  for (const socket of sockets) bytes += socket.bytesRead;
  return bytes;
};
