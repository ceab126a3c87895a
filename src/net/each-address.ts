import { isIP } from 'node:net';
import * as z from 'zod';
import { gauge, type Point, point } from '../kernel/metric.ts';
import { type Failure, failure } from '../kernel/reason.ts';
import type { Outcome } from '../kernel/run.ts';
import type { Address } from '../protocol/ip-address.ts';
import { chooseAddress } from './address.ts';
import type { Context } from './prober.ts';
import type { Lookup, Resolver } from './resolve.ts';
import type { AddressSettings } from './settings.ts';

/** Which addresses of the target's name are probed. */
export const everyAddressShape = {
  addresses: z
    .enum(['one', 'all'])
    .default('one')
    .describe('Probe one address of the name, or each (16 at most); then the run succeeds when all succeed.'),
  connect_to: z
    .union([z.ipv4(), z.ipv6()])
    .optional()
    .describe(
      'Address to connect to in place of those of the name; the name itself stays in Host, SNI and verification.',
    ),
};

/** See {@link everyAddressShape}. */
export type EveryAddressSettings = z.output<z.ZodObject<typeof everyAddressShape>> & AddressSettings;

/** What `addresses: all` found for each address. */
export type EachAddressFacts = { readonly each: readonly { readonly ip: string; readonly ok: boolean }[] };

/** Addresses of a name that are probed; what is more is left out, and the trace says so. */
export const mostAddresses = 16;

/** Whether an address of the name passed: only where each is probed. */
export const addressSuccess = gauge(
  'probe_address_success',
  'With `addresses: all`: whether the probe of this address succeeded, 1 or 0.',
  { labels: { address: 'The addresses of the name; at most 16.' } },
);

/** The points of {@link EachAddressFacts}. */
export const eachAddressPoints = ({ each = [] }: Partial<EachAddressFacts>): Point[] =>
  each.map(({ ip, ok }) => point(addressSuccess, ok ? 1 : 0, { address: ip }));

/**
 * Probes the address of a host that the settings choose, and with `addresses: all` the others beside it. Facts are those of the chosen one;
 * each further address adds its result, and its first failure with the address in the detail. `connect_to` takes the place of the lookup.
 */
export const probeAddresses = async <F extends object>(
  host: string,
  settings: EveryAddressSettings,
  context: Context,
  probe: (context: Context) => Promise<Outcome<F>>,
): Promise<Outcome<F & EachAddressFacts>> => {
  const { connect_to: pinned } = settings;
  if (pinned !== undefined) return alone(await probe(withLookup(context, host, () => answerWith([addressOf(pinned)]))));
  if (settings.addresses === 'one' || isIP(host) !== 0) return alone(await probe(context));
  // One lookup for all, which the run of the chosen address makes and measures; it may end before it comes to that.
  const looked = Promise.withResolvers<Lookup | undefined>();
  let asked: Promise<Lookup> | undefined;
  const lookup: Resolver['lookup'] = (name, families, asker) => {
    asked ??= context.kit.resolver.lookup(name, families, asker);
    looked.resolve(asked);
    return asked;
  };
  const chosen = probe(withLookup(context, host, lookup));
  void chosen.then(() => looked.resolve(undefined));
  const found = await looked.promise;
  if (found?.ok !== true) return alone(await chosen);
  const others = otherAddresses(found.addresses, settings, context).map(async (address) => ({
    address,
    outcome: await probe(withLookup(context, host, () => answerWith([address]))),
  }));
  const [outcome, ...rest] = await Promise.all([chosen, ...others]);
  const main = chooseAddress(found.addresses, settings);
  const each = [
    ...(main === undefined ? [] : [{ ip: main.ip, ok: outcome.failures.length === 0 }]),
    ...rest.map(({ address, outcome: { failures } }) => ({ ip: address.ip, ok: failures.length === 0 })),
  ];
  const failures = rest.flatMap(({ address, outcome: { failures: found } }) => found.slice(0, 1).map(at(address)));
  return { ...alone(outcome), facts: { ...alone(outcome).facts, each }, failures: [...outcome.failures, ...failures] };
};

// safe: facts are partial, so one that is not there is of the wider type too
const alone = <F extends object>(outcome: Outcome<F>) => outcome as Outcome<F & EachAddressFacts>;

const at =
  ({ ip }: Address) =>
  ({ reason, phase, detail }: Failure): Failure =>
    failure(reason, phase, `${ip}: ${detail}`);

const otherAddresses = (all: readonly Address[], settings: AddressSettings, context: Context): readonly Address[] => {
  const chosen = chooseAddress(all, settings);
  const others = all.filter(({ ip }) => ip !== chosen?.ip && context.kit.mayDial(ip));
  if (others.length >= mostAddresses) context.trace('left out', { addresses: others.length + 1 - mostAddresses });
  return others.slice(0, mostAddresses - 1);
};

const addressOf = (ip: string): Address => ({ ip, family: isIP(ip) === 4 ? 4 : 6 });
const answerWith = async (addresses: readonly Address[]): Promise<Lookup> => ({ ok: true, addresses });

/** The same context with another answer for one host; other hosts, such as those of redirects, are looked up as before. */
const withLookup = (context: Context, host: string, lookup: Resolver['lookup']): Context => {
  const { resolver } = context.kit;
  const own: Resolver = {
    ...resolver,
    lookup: (name, families, asker) => (name === host ? lookup : resolver.lookup)(name, families, asker),
    answersFor: (name) => name === host,
  };
  return { ...context, kit: { ...context.kit, resolver: own } };
};
