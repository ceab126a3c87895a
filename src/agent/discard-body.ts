import type { IncomingMessage } from 'node:http';

/** Most of a body that is read and thrown away, in bytes. */
const mostBytes = 65_536;
/** For how long its end is waited for, in milliseconds. */
const patienceMs = 500;

/**
 * Reads the body of a request that needs none, up to 64 kB and half a second. A socket that is closed while data arrives is
 * reset, and then the client may lose the answer; so a small body is read to its end first, and a large one is not.
 */
export const discardBody = (request: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    let bytes = 0;
    const end = () => {
      clearTimeout(timer);
      request.pause();
      resolve();
    };
    const timer = setTimeout(end, patienceMs);
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) end();
    });
    request.once('end', end).once('close', end);
  });
