import { memory } from './memory.ts';
import { remoteWrite } from './remote-write.ts';
import type { Sink } from './sink.ts';

/** THE table of sinks: how each kind is made. */
export const sinks = { memory, remote_write: remoteWrite } as const satisfies Readonly<
  Record<string, (...parts: never[]) => Sink>
>;
