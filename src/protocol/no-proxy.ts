import { addressRange } from './address-range.ts';
import { hostAndPort } from './host-and-port.ts';
import { addressBytes } from './ip-address.ts';

const loopback4 = addressRange('127.0.0.0/8');
const loopback6 = addressRange('::1/128');

/**
 * Whether a host and port of a URL are reached without a proxy: `localhost` and loopback addresses always, others if the text of NO_PROXY
 * names them. Its entries stand between commas or spaces: `*` is everything, `example.com`, `.example.com` and `*.example.com` are that
 * name and all below it, addresses are themselves, ranges (`10.0.0.0/8`, `fd00::/8`) all addresses in them. With a port behind it (not
 * behind a range) an entry means that port only. No name is looked up: a range means addresses that stand in a URL.
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config which lets a leading dot leave out the name itself; curl does not
 */
export const noProxy = (text: string, hostname: string, port: string): boolean => {
  const host = plainHost(hostname);
  const address = addressBytes(host);
  if (host === 'localhost') return true;
  if (address !== undefined && (loopback4?.(address) || loopback6?.(address))) return true;
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || (address === undefined ? hasName(entry, host, port) : has(entry, address, port)));
};

/** Without brackets, without the dot of a full name, in lower case. */
const plainHost = (host: string): string =>
  host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();

const has = (entry: string, address: Uint8Array, port: string): boolean => {
  const range = addressRange(entry);
  if (range !== undefined) return range(address);
  const named = hostAndPort(entry);
  const bytes = named === undefined ? undefined : addressBytes(named.host);
  return bytes !== undefined && isPort(named?.port, port) && String(bytes) === String(address);
};

const hasName = (entry: string, host: string, port: string): boolean => {
  const named = hostAndPort(entry);
  if (named === undefined || !isPort(named.port, port)) return false;
  const name = plainHost(named.host).replace(/^\*?\./, '');
  return name !== '' && (host === name || host.endsWith(`.${name}`));
};

const isPort = (wanted: number | undefined, port: string): boolean => wanted === undefined || String(wanted) === port;
