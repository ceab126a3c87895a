import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { uncompress } from '../../src/protocol/snappy.ts';
import { decodeWriteRequest } from '../../src/protocol/write-request-decoder.ts';

/** An HTTP server on a free port; `url` has no slash at its end. */
export const serve = async (listener: RequestListener) => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** A site: `/good` answers 200, `/slow` never, anything else 500. */
export const site = () =>
  serve((request, response) => {
    if (request.url === '/slow') return;
    response.writeHead(request.url === '/good' ? 200 : 500).end('ok');
  });

/** A remote-write receiver that keeps what it takes, and answers with `status` (204 if not set). */
export const receiver = async (status = 204) => {
  const series: Record<string, string>[] = [];
  const server = await serve(async (request, response) => {
    const decompressed = uncompress(await buffer(request), 10_000_000);
    const decoded = decompressed.ok ? decodeWriteRequest(decompressed.bytes) : undefined;
    if (decoded?.ok === true) series.push(...decoded.series.map(({ labels }) => Object.fromEntries(labels)));
    response.writeHead(status).end(status === 204 ? undefined : 'no, thank you');
  });
  return { ...server, series };
};

/** A file with a target list, in a folder of its own. */
export const listFile = async (text: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-list-'));
  const path = join(folder, 'targets.yaml');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};
