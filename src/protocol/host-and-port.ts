import { addressBytes } from './ip-address.ts';

/** A host, without brackets if it is an IPv6 address, and a port from 1 to 65535 if one was written. */
export type HostAndPort = { readonly host: string; readonly port?: number };

const shape = /^(?:\[([^\]]+)\]|([^:\s/?#@[\]]+))(?::(\d{1,5}))?$/;
const zone = /%[\w.-]+$/;

const isSix = (text: string): boolean => text.includes(':') && addressBytes(text.replace(zone, '')) !== undefined;

/**
 * Reads `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; `undefined` for anything else.
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3.2 for host and port
 */
export const hostAndPort = (text: string): HostAndPort | undefined => {
  const [, six, name, digits] = shape.exec(text) ?? [];
  const host = six ?? name;
  if (host === undefined) return isSix(text) ? { host: text } : undefined;
  if (six !== undefined && !isSix(six)) return undefined;
  if (digits === undefined) return { host };
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
};
