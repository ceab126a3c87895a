import { type AddressKind, addressKind } from '../protocol/address-kind.ts';
import { isGlobal } from '../protocol/address-range.ts';
import { addressBytes, addressText } from '../protocol/ip-address.ts';

/** Names under which clouds serve their metadata. */
const metadataNames = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.tencentyun.com',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** Whether a host, as written, is a metadata service that hands out credentials; nothing may probe those. */
export const isMetadata = (host: string): boolean => {
  const name = plainHost(host);
  return metadataNames.has(name) || kindOf(name) === 'metadata';
};

/** Whether a host, as written, is an address that only neighbours on the link have; see {@link AddressKind}. */
export const isLinkLocal = (host: string): boolean => kindOf(plainHost(host)) === 'link_local';

const kindOf = (name: string): AddressKind | undefined => {
  const bytes = addressBytes(name);
  return bytes === undefined ? undefined : addressKind(bytes);
};

/**
 * A host in lower case, without brackets and final dot, and as URLs mean it: `10.1`, `0x7f.1` and `2130706433` are IPv4 addresses.
 * @see https://url.spec.whatwg.org/#concept-host-parser
 */
const plainHost = (host: string): string => {
  const bare = withoutBrackets(host.toLowerCase());
  // Most hosts are names, whose last label is no number.
  if (/^(?:[a-z\d_-]+\.)*[a-z_][a-z\d_-]*$/.test(bare)) return bare;
  const url = `http://${bare.includes(':') ? `[${bare}]` : bare}`;
  return URL.canParse(url) ? withoutBrackets(new URL(url).hostname) : bare;
};

const withoutBrackets = (host: string): string => {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return bare.endsWith('.') ? bare.slice(0, -1) : bare;
};

/** Whether a host is an address that is not of the public Internet, or `localhost`. */
export const isPrivate = (host: string): boolean => {
  const bytes = addressBytes(plainHost(host));
  return bytes === undefined ? /(?:^|\.)localhost$/.test(plainHost(host)) : !isGlobal(bytes);
};

/** Whether a host is an IPv6 address; one that only maps an IPv4 address is not. */
export const isIpv6 = (host: string): boolean => addressBytes(plainHost(host))?.length === 16;

const isAddress = (host: string): boolean => addressBytes(plainHost(host)) !== undefined;

/**
 * Last labels of names that the public DNS does not have: clusters', those of private networks, and those that are nobody's.
 * @see https://www.rfc-editor.org/rfc/rfc6762#appendix-G and https://www.iana.org/assignments/special-use-domain-names
 */
const insideNames =
  /(?:^|\.)(?:svc|local|internal|localhost|localdomain|intranet|private|corp|home|home\.arpa|lan|consul|test|invalid|onion)$|\.svc\./;

/** Names that stand for the address that is written in them, as `app.10-0-0-1.nip.io` and `app-0a000001.nip.io` do. */
const addressNames = /(?:^|\.)(?:nip\.io|sslip\.io|xip\.io)$/;
const privateParts = (name: string): boolean => {
  const quads = name.matchAll(/(?<![\da-z])(?=(\d{1,3})[.-](\d{1,3})[.-](\d{1,3})[.-](\d{1,3})(?![\da-z]))/g);
  const texts = [...quads].map(([, ...bytes]) => bytes.map(Number).join('.'));
  for (const [hex] of name.matchAll(/(?<![\da-z])[\da-f]{8}(?![\da-z])/g))
    texts.push(addressText(Buffer.from(hex, 'hex')));
  // An IPv6 address has dashes for its colons.
  for (const label of name.split('.')) if (label.includes('-')) texts.push(label.replaceAll('-', ':'));
  return texts.some((text) => isAddress(text) && isPrivate(text));
};

/** The side of a host when the list says nothing: inside for private addresses and for names that only a cluster or office knows. */
export const sideOf = (host: string): 'outside' | 'inside' => {
  if (isAddress(host)) return isPrivate(host) ? 'inside' : 'outside';
  const name = plainHost(host);
  if (addressNames.test(name)) return privateParts(name) ? 'inside' : 'outside';
  return !name.includes('.') || insideNames.test(name) ? 'inside' : 'outside';
};

/** Whether the world can reach a host by this name: never a private address, or a name that only a cluster or office knows. */
export const isPublicHost = (host: string): boolean =>
  sideOf(host) === 'outside' && !isPrivate(host) && !isMetadata(host);
