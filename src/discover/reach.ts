import { addressRange, isGlobal } from '../protocol/address-range.ts';
import { heldAddresses } from '../protocol/held-addresses.ts';
import { addressBytes } from '../protocol/ip-address.ts';

/** Addresses as they are compared: in whichever form they are written, one address is one key. */
export type Addresses = ReadonlySet<string>;

/** What found targets of a block may lead to; see `allow` and `allow_ranges` of the list. */
export type ReachRules = {
  readonly allow: 'own' | 'any';
  readonly ranges: readonly string[];
};

/** What is known of a cluster when it is asked whether an address may be dialled. */
export type KnownAddresses = {
  /** Addresses of nodes, the API server and the process itself. */
  readonly never: Addresses;
  /** Those of the Services and Pods of the namespace. */
  readonly own: Addresses;
};

/** The key of an address; `undefined` for a text that is not one. */
export const addressKey = (ip: string): string | undefined => {
  const bytes = addressBytes(ip);
  return bytes === undefined ? undefined : String(bytes);
};

/** The keys of some texts, as far as they are addresses. */
export const keysOf = (ips: Iterable<string | undefined>): Addresses => {
  const keys = new Set<string>();
  for (const ip of ips) {
    const key = ip === undefined ? undefined : addressKey(ip);
    if (key !== undefined) keys.add(key);
  }
  return keys;
};

/** Makes the rule of a block: whether a target that was found may lead to an address. */
export const reachRule = ({ allow, ranges }: ReachRules): ((ip: string, known: KnownAddresses) => boolean) => {
  const allowed = ranges.flatMap((text) => addressRange(text) ?? []);
  return (ip, { never, own }) => {
    const bytes = addressBytes(ip);
    if (bytes === undefined) return false;
    if (allowed.some((isWithin) => isWithin(bytes))) return true;
    const forms = [bytes, ...heldAddresses(bytes)];
    if (forms.some((form) => isHosts(form) || never.has(String(form)))) return false;
    return allow === 'any' || isGlobal(bytes) || own.has(String(bytes));
  };
};

/** Addresses of the host itself and of its own link, and those that stand for several. */
const ofHosts = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/127',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  // Translates to whatever its operator likes (RFC 8215).
  '64:ff9b:1::/48',
].flatMap((text) => addressRange(text) ?? []);

const isHosts = (bytes: Uint8Array): boolean => ofHosts.some((isWithin) => isWithin(bytes));
