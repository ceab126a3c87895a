import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { addressBytes } from '../protocol/ip-address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for what is sent to an `https:` URL: that of HTTPS_PROXY, unless NO_PROXY names the host. Names in lower case go first, as
 * with curl. `undefined` if there is none. Probes never ask: they measure the way that they have.
 */
export const proxyFor = (url: string, environment: Environment): URL | undefined => {
  const target = URL.parse(url);
  const written = environment.https_proxy || environment.HTTPS_PROXY || '';
  if (target?.protocol !== 'https:' || written === '') return undefined;
  const proxy = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`);
  if (proxy === null || !/^https?:$/.test(proxy.protocol)) return undefined;
  const exceptions = (environment.no_proxy || environment.NO_PROXY || '').split(/[\s,]+/).filter((one) => one !== '');
  return exceptions.some((one) => excepts(one, target)) ? undefined : proxy;
};

/** Whether an entry of NO_PROXY means a host: `*`, a name or a part of it behind a dot, an address, all with or without a port. */
const excepts = (entry: string, { hostname, port }: URL): boolean => {
  if (entry === '*') return true;
  const [, name = entry, wanted] = addressBytes(entry) === undefined ? (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []) : [];
  if (wanted !== undefined && wanted !== (port || '443')) return false;
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const plain = name
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^\*?\./, '')
    .toLowerCase();
  return host === plain || (addressBytes(host) === undefined && host.endsWith(`.${plain}`));
};

/** What a connection through a proxy is secured by. */
export type TunnelTls = {
  readonly secureContext?: SecureContext;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
};

type Asked = { readonly hostname: string; readonly port: string; readonly servername?: string | null };
type Answer = (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void;

/** How long a proxy may take to answer, in milliseconds, and how much it may say. */
const limitMs = 10_000;
const mostBytes = 16_384;

/**
 * Connects by way of a proxy with CONNECT (RFC 9110, section 9.3.6), then secures the connection with the host at its end. In the form that
 * undici's `connect` takes. Errors have a code and never hold the proxy's user or password.
 */
export const tunnel =
  (proxy: URL, tls: TunnelTls = {}) =>
  ({ hostname, port, servername }: Asked, answer: Answer): void => {
    const place = `${hostname}:${port || '443'}`;
    const own = {
      host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(proxy.port || (proxy.protocol === 'https:' ? 443 : 80)),
    };
    const socket = proxy.protocol === 'https:' ? connectTls({ ...own, servername: own.host }) : connectTcp(own);
    const fail = (code: string, message: string) => {
      clearTimeout(timer);
      socket.destroy();
      answer(Object.assign(new Error(`the proxy ${proxy.host} ${message}`), { code }), null);
    };
    const timer = setTimeout(() => fail('PROXY_TIMEOUT', `did not answer within ${limitMs / 1_000} s`), limitMs);
    const onError = (error: NodeJS.ErrnoException) => fail(error.code ?? 'PROXY_FAILED', 'cannot be reached');
    const onClose = () => fail('PROXY_CLOSED', 'closed the connection');
    socket.once('error', onError);
    socket.once('close', onClose);
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) {
        if (head.length > mostBytes) fail('PROXY_NONSENSE', 'does not speak HTTP');
        return;
      }
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1'))?.[1] ?? 0);
      socket.off('data', onData);
      if (status !== 200)
        return status === 0
          ? fail('PROXY_NONSENSE', 'does not speak HTTP')
          : fail(`PROXY_REFUSED_${status}`, `answered ${status} to CONNECT ${place}`);
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('close', onClose);
      const secured = connectTls({
        socket,
        ...tls,
        servername: tls.servername ?? servername ?? (addressBytes(hostname) === undefined ? hostname : ''),
        host: hostname,
        ALPNProtocols: ['http/1.1'],
      });
      const failed = (error: Error) => answer(error, null);
      secured.once('error', failed);
      secured.once('secureConnect', () => {
        secured.off('error', failed);
        answer(null, secured);
      });
      return undefined;
    };
    socket.on('data', onData);
    const { username, password } = proxy;
    const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
      'base64',
    );
    socket.once(proxy.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      socket.write(
        `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${username === '' ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`}\r\n`,
      );
    });
  };
