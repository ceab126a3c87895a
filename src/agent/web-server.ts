import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, isIP, type Server } from 'node:net';

/** One thing that can be asked for. A GET answers HEAD as well. */
export type Route = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** True for what may be asked without credentials: health checks. */
  readonly open?: boolean;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
};

/** How a door is opened. `admits` looks at the Authorization header; without it everybody is let in. */
export type WebOptions = {
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
  readonly admits?: (authorization: string | undefined) => boolean;
  readonly tls?: { readonly cert: string; readonly key: string };
};

/** A door that is open. Disposing closes it, and every connection. */
export type WebServer = AsyncDisposable & { readonly url: string; readonly port: number };

/** Ports tried, from the one that was asked for on. */
const tries = 20;

/**
 * Opens an HTTP door. When the port is taken the next free one is used. A door on loopback answers only to names of loopback,
 * so that no web page can reach it under a name of its own (DNS rebinding). Rejects when it cannot listen at all.
 */
export const webServer = async (options: WebOptions): Promise<WebServer> => {
  const { host, tls } = options;
  const listener = respond(options);
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  // A browser that is slow or has gone must not keep anything for long.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.timeout = 60_000;
  server.maxConnections = 256;
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const port = await listen(server, host, options.port);
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://${name === '0.0.0.0' || name === '[::]' ? 'localhost' : name}:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};

const listen = async (server: Server, host: string, wanted: number): Promise<number> => {
  for (let port = wanted; ; port += 1) {
    const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve);
      server.listen({ port, host }, () => {
        server.off('error', resolve);
        resolve(undefined);
      });
    });
    // safe: a listening TCP server has an address of this type
    if (problem === undefined) return (server.address() as AddressInfo).port;
    if (problem.code !== 'EADDRINUSE' || wanted === 0 || port >= Math.min(wanted + tries, 65_535)) throw problem;
  }
};

/** Whether an address or name is only reached from this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** The page is one file and asks nobody but us. */
const headers = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const respond = ({ host, routes, admits, tls }: WebOptions): RequestListener => {
  const onlyLoopback = isLoopback(host);
  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const say = (status: number, text: string, more: Record<string, string> = {}) =>
      void response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...more }).end(`${text}\n`);
    if (onlyLoopback && !isLoopback(hostOf(request))) return say(421, 'this door is for this machine alone');
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const there = routes.filter((route) => route.path === path);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = there.find((one) => one.method === method);
    if (there.length === 0) return say(404, 'there is no such page');
    if (route === undefined) return say(405, 'not in this way', { Allow: there.map((one) => one.method).join(', ') });
    if (route.open !== true && admits?.(request.headers.authorization) === false)
      return say(401, 'who are you?', { 'WWW-Authenticate': 'Basic realm="bothways", charset="UTF-8"' });
    // Another site's page may send a form here; it cannot hide where it comes from.
    if (method === 'POST' && !isOwnOrigin(request, tls !== undefined)) return say(403, 'not from another site');
    const handle = async () => route.handle(request, response);
    void handle().catch(() => {
      if (response.headersSent) response.destroy();
      else say(500, 'this went wrong here');
    });
  };
};

const hostOf = ({ headers: { host = '' } }: IncomingMessage): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

const isOwnOrigin = (
  { headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage,
  secure: boolean,
): boolean =>
  (origin === undefined || origin === `http${secure ? 's' : ''}://${host}`) &&
  (site === undefined || site === 'same-origin' || site === 'none');
