import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Whether an address or name is only reached from this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);

/** Where a door listens, and the names that it has besides. */
type ServedHosts = {
  /** The address or name it listens at. */
  readonly host: string;
  /** Names of `--host-name`, in any case. */
  readonly names: readonly string[];
};

/** The host of a Host header without its port and final dot, in lower case; `undefined` if it is malformed (RFC 9110, 7.2). */
export const hostOf = (header: string): string | undefined => {
  const [, six, name] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/?#@\\]+))(?::\d{0,5})?$/i.exec(header) ?? [];
  if (six !== undefined) return isIP(six) === 6 ? six.toLowerCase() : undefined;
  return name?.toLowerCase().replace(/\.$/, '');
};

/**
 * Makes the check of the host that a request names. It keeps web pages out that reach the door under a name of their own
 * (DNS rebinding): a browser sends that name. So every IP address is served, and of names those that no public name server
 * answers for: names without a dot, `.svc` and `.cluster.local` of Kubernetes, the machine's own name, and those given. A
 * door on loopback serves names of loopback and those given, nothing else.
 */
export const servedHosts = ({ host, names }: ServedHosts): ((name: string) => boolean) => {
  const given = new Set(names.map((name) => name.toLowerCase().replace(/\.$/, '')));
  if (isLoopback(host)) return (name) => isLoopback(name) || given.has(name);
  const own = new Set([host.toLowerCase(), hostname().toLowerCase(), ...given]);
  return (name) => isIP(name) > 0 || own.has(name) || !name.includes('.') || /\.(?:svc|cluster\.local)$/.test(name);
};
