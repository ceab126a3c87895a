import type { Buffer } from 'node:buffer';
import { quoted } from './http1-head.ts';
import { largestWindow, longestFrame, settingIds } from './http2-frames.ts';

/**
 * Reads the settings of a server; `onInitialWindow` returns false if its windows overflow. What is wrong is the end of the sentence "the
 * response ...". Only the window matters to one request; frames of ours are never longer than the least that every server takes.
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2
 */
export const readSettings = (payload: Buffer, onInitialWindow: (size: number) => boolean): string | undefined => {
  if (payload.length % 6 !== 0) return `has SETTINGS of ${payload.length} bytes, which is not a multiple of 6`;
  for (let at = 0; at < payload.length; at += 6) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    const isInRange = id === settingIds.initialWindowSize ? value <= largestWindow : (inRange[id]?.(value) ?? true);
    if (!isInRange || (id === settingIds.initialWindowSize && !onInitialWindow(value)))
      return `has a setting out of its range: ${value} for setting ${id}`;
  }
  return undefined;
};

/** What a server begins with that does not begin with SETTINGS, as the end of the sentence "the response ...". */
export const notSettings = (bytes: Buffer): string => {
  const start = bytes.toString('latin1');
  return start.startsWith('HTTP/')
    ? `is HTTP/1, although the server chose HTTP/2 in the TLS handshake: ${quoted(start)}`
    : `does not begin with HTTP/2 SETTINGS but with ${quoted(start)}`;
};

const inRange: Readonly<Record<number, (value: number) => boolean>> = {
  [settingIds.enablePush]: (value) => value <= 1,
  [settingIds.maxFrameSize]: (value) => value >= longestFrame && value < 2 ** 24,
};
