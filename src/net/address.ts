import { isIP } from 'node:net';
import type { Seconds } from '../kernel/check.ts';
import { gauge, type Point, point } from '../kernel/metric.ts';
import { type Failure, failure } from '../kernel/reason.ts';
import { addressHash } from '../protocol/address-hash.ts';
import { addressKind } from '../protocol/address-kind.ts';
import { type Address, addressBytes } from '../protocol/ip-address.ts';
import { timeoutIn } from './failure.ts';
import type { Context } from './prober.ts';
import type { AddressSettings } from './settings.ts';

/** What every prober says about the address it used. */
export type AddressFacts = { readonly lookupSeconds: Seconds; readonly ip: string; readonly family: 4 | 6 };

/** The address to dial and all that the name has of the families in question, or why there is none. */
export type Found =
  | {
      readonly ok: true;
      readonly address: Address;
      readonly addresses: readonly Address[];
      readonly facts: AddressFacts;
    }
  | { readonly ok: false; readonly failure: Failure; readonly facts: Partial<AddressFacts> };

/**
 * One address of a host, as blackbox_exporter chooses it: the first of the preferred family; with fallback, else the last of
 * the other. An address that the vantage must not probe is refused, also when a name leads to it. `earlier` is chosen as long as the name has
 * it and it is of that family: a load balancer's name, whose addresses take turns, then leads to one and the same.
 */
export const findAddress = async (
  host: string,
  settings: AddressSettings,
  context: Context,
  earlier?: string,
): Promise<Found> => {
  const start = context.mark('resolving');
  const preferred = settings.preferred_ip_protocol === 'ip4' ? 4 : 6;
  const literal = isIP(host);
  const looked =
    literal === 0 || context.kit.resolver.answersFor?.(host) === true
      ? await context.kit.resolver.lookup(host, settings.ip_protocol_fallback ? [4, 6] : [preferred], context)
      : { ok: true as const, addresses: [{ ip: host, family: literal === 4 ? (4 as const) : (6 as const) }] };
  const lookupSeconds = context.mark('resolved') - start;
  const refuse = (why: Failure): Found => ({ ok: false, failure: why, facts: { lookupSeconds } });
  if (!looked.ok) return refuse(context.signal.aborted ? timeoutIn('resolve') : looked.failure);
  const chosen = chooseAddress(looked.addresses, settings);
  const address = looked.addresses.find(({ ip, family }) => ip === earlier && family === chosen?.family) ?? chosen;
  if (address === undefined)
    return refuse(
      failure('dns_no_address', 'resolve', `${host} has no IPv${preferred} address, and falling back is off`),
    );
  if (!context.kit.mayDial(address.ip))
    return refuse(failure('blocked_address', 'resolve', `${host} leads to ${address.ip}, ${whyBlocked(address)}`));
  context.trace('address', { ip: address.ip, of: looked.addresses.length });
  const { addresses } = looked;
  return { ok: true, address, addresses, facts: { lookupSeconds, ip: address.ip, family: address.family } };
};

const whyBlocked = ({ ip }: Address): string => {
  const bytes = addressBytes(ip);
  const kind = bytes === undefined ? 'ordinary' : addressKind(bytes);
  if (kind === 'metadata') return 'a metadata service; those are never probed';
  if (kind === 'link_local') return 'a link-local address; write `link_local: allow` at the target if it is meant';
  return 'which this vantage must not probe';
};

/** The address of several that the settings choose, or `undefined` if none may be used. */
export const chooseAddress = (addresses: readonly Address[], settings: AddressSettings): Address | undefined => {
  const preferred = settings.preferred_ip_protocol === 'ip4' ? 4 : 6;
  return (
    addresses.find(({ family }) => family === preferred) ??
    (settings.ip_protocol_fallback ? addresses.at(-1) : undefined)
  );
};

/** The metrics that {@link addressPoints} makes. */
export const addressMetrics = {
  lookup: gauge('probe_dns_lookup_time_seconds', 'Time to resolve the name of the target, in seconds.', {
    dialect: 'blackbox_exporter',
  }),
  protocol: gauge('probe_ip_protocol', 'Address family that was probed: 4 or 6; 0 if the name could not be resolved.', {
    dialect: 'blackbox_exporter',
  }),
  hash: gauge(
    'probe_ip_addr_hash',
    'Hash of the address that was probed (FNV-1a, 32 bits), to see whether it changed; 0 if the name could not be resolved.',
    { dialect: 'blackbox_exporter' },
  ),
};

/** The points of a run's address facts: none before the lookup, family and hash 0 when it failed. */
export const addressPoints = ({ lookupSeconds, ip, family }: Partial<AddressFacts>): Point[] =>
  lookupSeconds === undefined
    ? []
    : [
        point(addressMetrics.lookup, lookupSeconds),
        point(addressMetrics.protocol, family ?? 0),
        point(addressMetrics.hash, ip === undefined ? 0 : addressHash(ip)),
      ];
