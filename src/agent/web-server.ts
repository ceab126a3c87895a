import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, isIP, type Server, type Socket } from 'node:net';
import { type ConnectionSlots, connectionSlots, slotsFor } from './connection-slots.ts';
import { discardBody } from './discard-body.ts';
import type { Locks } from './locks.ts';
import { type Refusal, type Rules, refusalOf, refusalOfHost } from './refusal.ts';
import { servedHosts } from './served-hosts.ts';

/** One path and method that is served. A GET serves HEAD as well. */
export type Route = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** True for health checks: served without credentials, and under any host name. */
  readonly open?: boolean;
  /** True for what changes the agent: served to peers on loopback, or with credentials. */
  readonly guarded?: boolean;
  /** True if the handler reads the request's body. Any other route closes the connection of a request that has one. */
  readonly readsBody?: boolean;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
};

/** How a door is opened. */
export type WebOptions = {
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** Host names it is reached by, besides those that {@link servedHosts} serves anyway. */
  readonly hostNames?: readonly string[];
  /** Who is admitted, and TLS, looked up for each request; without it everyone is admitted. */
  readonly locks?: () => Locks;
  /** Most open connections; chosen by the limit of descriptors if not given. */
  readonly slots?: number;
};

/** A door that is open. Disposing closes it, and every connection. */
export type WebServer = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** Connections that are open, and how many were closed to make room for others. */
  readonly connections: () => { readonly open: number; readonly evicted: number };
  /** Uses the TLS settings of `locks` for new connections. Those that are open stay. */
  readonly renewTls: () => void;
};

/** Ports tried, from the wanted one on. */
const tries = 20;

/**
 * Bounds of one connection. A request head must be complete within ten seconds, an idle connection lasts half a minute, and
 * one without progress a minute.
 */
const bounds = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 30_000,
};
const inactiveMs = 60_000;
/** Requests on one connection; then the client must open another. */
const requestsPerConnection = 1_000;

/**
 * Opens an HTTP door. When the port is taken the next free one is used. Rejects when it cannot listen at all. A new
 * connection is always accepted, at the expense of an idle one if need be; see {@link connectionSlots}.
 */
export const webServer = async (options: WebOptions): Promise<WebServer> => {
  const { host, locks = (): Locks => ({}) } = options;
  const { slots: most = slotsFor() } = options;
  const slots = connectionSlots(most);
  const { tls } = locks();
  const rules = { locks, servesHost: servedHosts({ host, names: options.hostNames ?? [] }), isTls: tls !== undefined };
  const listener = respond(options, rules, slots);
  const secure = tls === undefined ? undefined : createTlsServer({ ...bounds, ...tls, handshakeTimeout: 10_000 });
  const server = secure ?? createServer(bounds);
  server.on('request', listener);
  // A client that asks first whether its body is wanted gets the answer without it.
  server.on('checkContinue', listener);
  server.on('connection', slots.add);
  server.timeout = inactiveMs;
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  // Fewer wait to be accepted than there are slots, so that a burst cannot evict itself.
  const port = await listen(server, { host, port: options.port, backlog: Math.ceil(most / 2) });
  // Without descriptors a connection cannot be accepted; the next one may be.
  server.on('error', () => {});
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return {
    port,
    url: `${secure === undefined ? 'http' : 'https'}://${name === '0.0.0.0' || name === '[::]' ? 'localhost' : name}:${port}`,
    connections: () => ({ open: slots.open(), evicted: slots.evicted() }),
    renewTls: () => renew(secure, locks()),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      slots.closeAll();
      await closed;
    },
  };
};

const renew = (server: TlsServer | undefined, { tls }: Locks): void => {
  if (tls !== undefined) server?.setSecureContext(tls);
};

type Place = { readonly host: string; readonly port: number; readonly backlog: number };

const listen = async (server: Server, { host, port: wanted, backlog }: Place): Promise<number> => {
  for (let port = wanted; ; port += 1) {
    const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve);
      server.listen({ port, host, backlog }, () => {
        server.off('error', resolve);
        resolve(undefined);
      });
    });
    // safe: a listening TCP server has an address of this type
    if (problem === undefined) return (server.address() as AddressInfo).port;
    if (problem.code !== 'EADDRINUSE' || wanted === 0 || port >= Math.min(wanted + tries, 65_535)) throw problem;
  }
};

/** The page is one file and loads nothing from elsewhere. */
const headers = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const respond = (options: WebOptions, rules: Rules, slots: ConnectionSlots): RequestListener => {
  const { routes } = options;
  const requestsOf = new WeakMap<Socket, number>();
  return (request, response) => {
    response.once('close', slots.answering(request.socket));
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const refuse = ({ status, text, headers: more }: Refusal) =>
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...more }).end(`${text}\n`);
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const there = routes.filter((route) => route.path === path);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = there.find((one) => one.method === method);
    const requests = (requestsOf.get(request.socket) ?? 0) + 1;
    requestsOf.set(request.socket, requests);
    const isUnread = hasBody(request) && route?.readsBody !== true;
    // Node destroys the socket once the answer is sent, so the rest of a body is never read.
    if (isUnread || requests >= requestsPerConnection) response.shouldKeepAlive = false;
    const answer = async () => {
      if (isUnread && request.headers.expect === undefined) await discardBody(request);
      const refusal =
        refusalOfHost(request, route, rules) ?? missing(there, route) ?? (await refusalOf(request, route, rules));
      if (refusal !== undefined) refuse(refusal);
      else await route?.handle(request, response);
    };
    void answer().catch(() => {
      if (response.headersSent) response.destroy();
      else refuse({ status: 500, text: 'internal error' });
    });
  };
};

const missing = (there: readonly Route[], route: Route | undefined): Refusal | undefined => {
  if (there.length === 0) return { status: 404, text: 'no such page' };
  const allowed = there.map(({ method }) => method).join(', ');
  if (route === undefined) return { status: 405, text: `use ${allowed}`, headers: { Allow: allowed } };
  return undefined;
};

/** Whether a request has a body, however long (RFC 9112, section 6.3). */
const hasBody = ({ headers: { 'content-length': length, 'transfer-encoding': coding } }: IncomingMessage): boolean =>
  coding !== undefined || Number(length ?? 0) > 0;
