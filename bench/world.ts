import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** CPU seconds that all threads of a process have used, to the nanosecond (`/proc/PID/task/TID/schedstat`, first field). */
export const cpuSeconds = async (pid: number): Promise<number> => {
  const tasks = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0')),
  );
  return stats.reduce((sum, stat) => sum + Number(stat.split(' ')[0]), 0) / 1e9;
};

/** A folder that goes away with the bench. */
export const folder = async (): Promise<
  AsyncDisposable & { readonly path: string; write(name: string, text: string): Promise<string> }
> => {
  const path = await mkdtemp(join(tmpdir(), 'bothways-bench-'));
  return {
    path,
    write: async (name, text) => {
      await writeFile(join(path, name), text);
      return join(path, name);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
};

/** A receiver of remote write that reads and forgets. */
export const forgetfulReceiver = async (): Promise<
  AsyncDisposable & { readonly url: string; readonly requests: () => number }
> => {
  let requests = 0;
  const server = createHttpServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // safe: as above
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

/** nginx's configuration: HTTP, HTTPS with HTTP/1.1 alone, HTTPS with HTTP/2; no logs, no sessions resumed. */
export const nginxConfig = (at: {
  readonly folder: string;
  readonly http: number;
  readonly https: number;
  readonly http2: number;
  readonly tcp: number;
}): string => `
daemon off; master_process off; worker_processes 1; pid ${at.folder}/nginx.pid; error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${at.folder}/b; proxy_temp_path ${at.folder}/p; fastcgi_temp_path ${at.folder}/f;
  uwsgi_temp_path ${at.folder}/u; scgi_temp_path ${at.folder}/s;
  ssl_certificate ${at.folder}/chain.pem; ssl_certificate_key ${at.folder}/key.pem; ssl_protocols TLSv1.3;
  ssl_session_cache off; ssl_session_tickets off;
  server { listen 127.0.0.1:${at.http} backlog=2048; location / { return 200 "ok\\n"; } }
  server { listen 127.0.0.1:${at.tcp} backlog=2048; }
  server { listen 127.0.0.1:${at.https} ssl backlog=2048; location / { return 200 "ok\\n"; } }
  server { listen 127.0.0.1:${at.http2} ssl http2 backlog=2048; location / { return 200 "ok\\n"; } }
}
`;
