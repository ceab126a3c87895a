import { mostFoundHosts } from '../config/discover.ts';
import type { Check } from '../kernel/check.ts';
import type { Resolver } from '../net/resolve.ts';
import { hostAndPort } from '../protocol/host-and-port.ts';

/** Probers whose targets may be the name of a service (RFC 2782), which stands for all the hosts that provide it. */
const withServices = new Set(['icmp', 'mtr', 'tcp']);

/** How long the name of a service may take to be looked up; all other checks of a new list wait for it. */
const lookupMs = { written: 5_000, found: 1_000 };

/** Hosts that a service of the list stands for at most; one that was found has been counted as {@link mostFoundHosts}. */
const mostHosts = 250;

/** Turns checks of services into checks of their hosts, looking their names up anew at each call. */
export type Services = (checks: readonly Check[]) => Promise<readonly Check[]>;

/**
 * Each host of a service becomes a target of its own, named after it, with all that the service's target has. While a name cannot
 * be looked up its hosts are those that were known last; when none were, the check stays as it is, and its runs fail with the
 * reason. A host that stays is the same object from call to call. Of too many hosts the first by address are taken, and `tooMany` is told
 * how many are not, when that number changes.
 */
export const services = (
  resolver: Pick<Resolver, 'services'>,
  tooMany: (check: Check, count: number) => void = () => {},
): Services => {
  const known = new Map<Check, ReadonlyMap<string, Check>>();
  const told = new Map<Check, number>();
  const hostsOf = async (check: Check, name: string): Promise<readonly Check[]> => {
    const isFound = check.reach !== undefined;
    const limit = AbortSignal.timeout(isFound ? lookupMs.found : lookupMs.written);
    const found = await resolver.services(name, { signal: limit, trace: () => {} });
    const before = known.get(check);
    if (!found.ok) return before === undefined ? [check] : [...before.values()];
    const hosts = new Map(
      found.places.map(({ host, port }) => [hasPort(check) ? `${host}:${port}` : host, host] as const),
    );
    const addresses = [...hosts.keys()];
    const most = isFound ? mostFoundHosts : mostHosts;
    if (addresses.length > most) addresses.sort().splice(most);
    const above = hosts.size - addresses.length;
    if (above !== (told.get(check) ?? 0)) {
      told.set(check, above);
      if (above > 0) tooMany(check, above);
    }
    const now = new Map<string, Check>();
    for (const address of addresses)
      now.set(address, before?.get(address) ?? checkOf(check, hosts.get(address) ?? address, address));
    known.set(check, now);
    return [...now.values()];
  };
  return async (checks) => {
    const wanted = new Set(checks);
    for (const check of known.keys()) if (!wanted.has(check)) known.delete(check);
    for (const check of told.keys()) if (!wanted.has(check)) told.delete(check);
    const all = await Promise.all(
      checks.map(async (check) => {
        const name = serviceOf(check);
        return name === undefined ? [check] : hostsOf(check, name);
      }),
    );
    return all.flat();
  };
};

/** The name of the service that a check is about: its first two parts begin with `_`. `undefined` for a host. */
export const serviceOf = ({ target, module }: Check): string | undefined => {
  if (!withServices.has(module.prober)) return undefined;
  const { host = '', port } = hostAndPort(target.address) ?? {};
  return port === undefined && /^_[^.]+\._[^.]+\.[^.]/.test(host) ? host : undefined;
};

/** ICMP has no ports. */
const hasPort = ({ module }: Check): boolean => {
  if (module.prober === 'tcp') return true;
  const { settings } = module;
  return (
    module.prober === 'mtr' &&
    typeof settings === 'object' &&
    settings !== null &&
    'protocol' in settings &&
    settings.protocol === 'tcp'
  );
};

const checkOf = (check: Check, host: string, address: string): Check => {
  const { target, labels, id } = check;
  const instance = /^[a-z+]+:\/\//i.exec(check.instance)?.[0] ?? '';
  // Where others than the list's authors chose the service, the DNS may answer with any name; theirs stays before it.
  const name = check.reach === undefined ? host : `${target.name} (${address})`;
  return {
    ...check,
    id: `${id}/${address}`,
    instance: `${instance}${address}`,
    target: { ...target, name, address },
    labels: { ...labels, name, instance: `${instance}${address}` },
  };
};
