import net from 'node:net';
import type { Seconds } from '../kernel/check.ts';
import type { Failure } from '../kernel/reason.ts';
import { failureOf, timeoutIn } from './failure.ts';
import { noteSocket } from './reads.ts';

/** Where to connect to, and from. */
export type Dial = { readonly ip: string; readonly port: number; readonly localAddress?: string };

/** A connection, or why there is none. Times are seconds since the run's start. */
export type Connected =
  | { readonly ok: true; readonly socket: net.Socket; readonly connectedAt: Seconds }
  | { readonly ok: false; readonly failure: Failure };

/** The part of a probe's context that a connection needs. */
type Timed = { readonly signal: AbortSignal; readonly mark: (what: string) => Seconds };

/** Options for `net` and `tls`: one address, one try (no happy eyeballs), small writes sent at once. */
export const dialOptions = ({ ip, port, localAddress }: Dial) => ({
  host: ip,
  port,
  autoSelectFamily: false,
  noDelay: true,
  ...(localAddress === undefined ? {} : { localAddress }),
});

/** Opens a TCP connection. Never rejects; when the signal fires the socket is destroyed, also later, while it is in use. */
export const connectTcp = (dial: Dial, context: Timed): Promise<Connected> =>
  new Promise((resolve) => {
    if (context.signal.aborted) return resolve({ ok: false, failure: timeoutIn('connect') });
    const socket = net.connect(dialOptions(dial));
    destroyOn(context.signal, socket);
    socket.once('connect', () => {
      socket.off('close', onClose);
      resolve({ ok: true, socket, connectedAt: context.mark('connected') });
    });
    let problem: unknown;
    socket.on('error', (error) => {
      problem = error;
    });
    const onClose = () => resolve({ ok: false, failure: failureOf(problem, 'connect', context.signal) });
    socket.once('close', onClose);
  });

/** Destroys a socket when the signal fires, however it is used by then, and counts what it reads for the signal's run. */
export const destroyOn = (signal: AbortSignal, socket: net.Socket): void => {
  noteSocket(signal, socket);
  const destroy = () => socket.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', destroy));
};
