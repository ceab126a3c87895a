import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { basicCredentials } from '../protocol/basic-credentials.ts';
import { addressBytes } from '../protocol/ip-address.ts';
import { noProxy } from '../protocol/no-proxy.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for what is sent to an `https:` URL: that of HTTPS_PROXY, unless NO_PROXY names the host (see {@link noProxy}). Names in lower
 * case go first, as with curl. `undefined` if there is none. Throws PROXY_UNUSABLE if one was asked for that cannot be used: going around
 * it would be worse. Probes never ask: they measure the way that they have.
 */
export const proxyFor = (url: string, environment: Environment): URL | undefined => {
  const target = URL.parse(url);
  const wanted = wantedProxy(environment);
  if (target?.protocol !== 'https:' || wanted === undefined) return undefined;
  if (noProxy(environment.no_proxy || environment.NO_PROXY || '', target.hostname, target.port || '443'))
    return undefined;
  if ('problem' in wanted) throw Object.assign(new Error(wanted.problem), { code: 'PROXY_UNUSABLE' });
  return wanted.proxy;
};

/** Why the proxy of HTTPS_PROXY cannot be used, in one sentence that does not repeat it; `undefined` if it can, or there is none. */
export const proxyProblem = (environment: Environment): string | undefined => {
  const wanted = wantedProxy(environment);
  return wanted !== undefined && 'problem' in wanted ? wanted.problem : undefined;
};

const wantedProxy = (environment: Environment): { proxy: URL } | { problem: string } | undefined => {
  const name = environment.https_proxy ? 'https_proxy' : 'HTTPS_PROXY';
  const written = environment[name]?.trim() ?? '';
  if (written === '') return undefined;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1]?.toLowerCase();
  const outcome = 'so nothing is sent to https URLs but those that NO_PROXY names';
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    return { problem: `${name} asks for a proxy that speaks ${scheme}, and only http and https are known, ${outcome}` };
  const proxy = URL.parse(scheme === undefined ? `http://${written}` : written);
  return proxy === null ? { problem: `${name} is no URL of a proxy, ${outcome}` } : { proxy };
};

/** What a connection through a proxy is secured by, how long it may take to be there, and what ends it before that. */
export type TunnelOptions = {
  readonly secureContext?: SecureContext;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
};

type Asked = { readonly hostname: string; readonly port: string; readonly servername?: string | null };
type Answer = (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void;

/** How long a connection through a proxy may take, in milliseconds, and how much the proxy may say. */
const longestMs = 10_000;
const mostBytes = 16_384;

/**
 * The limit of a connection that is made for a request of this limit, both in milliseconds. It ends a little before the request
 * does, so that what is said is that the proxy was too slow.
 */
export const tunnelLimitMs = (requestMs: number): number => Math.min(longestMs, requestMs * 0.9);

/**
 * Connects by way of a proxy with CONNECT (RFC 9110, section 9.3.6), then secures the connection with the host at its end. In the form that
 * undici's `connect` takes: answers once, and everything is closed when it answers with an error. Errors have a code and never hold the
 * proxy's user or password.
 */
export const tunnel =
  (proxy: URL, { limitMs = longestMs, signal, ...tls }: TunnelOptions = {}) =>
  ({ hostname, port, servername }: Asked, answer: Answer): void => {
    const place = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port || '443'}`;
    const socket = toProxy(proxy);
    let secured: TLSSocket | undefined;
    let answered = false;
    const end = (...result: Parameters<Answer>) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      if (result[0] !== null) {
        secured?.destroy();
        socket.destroy();
      }
      answer(...result);
    };
    const fail = (code: string, message: string) =>
      end(Object.assign(new Error(`the proxy ${proxy.host} ${message}`), { code }), null);
    const timer = setTimeout(() => fail('PROXY_TIMEOUT', `gave no connection within ${limitMs} ms`), limitMs);
    const stop = () => fail('PROXY_STOPPED', 'is not needed any more');
    signal?.addEventListener('abort', stop, { once: true });
    // All listeners stay: after the answer they do nothing, and an error without one would end the process.
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'PROXY_FAILED', 'cannot be reached'));
    socket.on('close', () => fail('PROXY_CLOSED', 'closed the connection'));
    const secure = () => {
      secured = connectTls({
        socket,
        ...tls,
        ...named(tls.servername ?? (servername || hostname)),
        ALPNProtocols: ['http/1.1'],
      });
      const there = secured;
      there.on('error', (error) => end(error, null));
      there.once('secureConnect', () => end(null, there));
    };
    readHead(socket, (status) => {
      if (status === undefined) fail('PROXY_NONSENSE', 'does not speak HTTP');
      else if (status >= 200 && status < 300) secure();
      else fail(`PROXY_REFUSED_${status}`, `answered ${status} to CONNECT ${place}`);
    });
    socket.once(proxy.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${authorization(proxy)}\r\n`);
    });
    if (signal?.aborted === true) stop();
  };

/** Whose certificate is expected. SNI has no addresses (RFC 6066, section 3), but the certificate must have the address. */
const named = (host: string): { readonly host: string; readonly servername: string } => ({
  host,
  servername: addressBytes(host) === undefined ? host : '',
});

const toProxy = ({ protocol, hostname, port }: URL): Socket => {
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const place = { host, port: Number(port || (secure ? 443 : 80)) };
  return secure ? connectTls({ ...place, ...named(host) }) : connectTcp(place);
};

const authorization = (proxy: URL): string => {
  const credentials = basicCredentials(proxy);
  return credentials === undefined ? '' : `Proxy-Authorization: ${credentials}\r\n`;
};

/** Reads the head of an answer and gives its status, `undefined` for what is no answer of HTTP. */
const readHead = (socket: Socket, then: (status: number | undefined) => void): void => {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const isWhole = head.includes('\r\n\r\n');
    if (!isWhole && head.length <= mostBytes) return;
    socket.off('data', onData);
    const status = isWhole ? /^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1'))?.[1] : undefined;
    then(status === undefined ? undefined : Number(status));
  };
  socket.on('data', onData);
};
