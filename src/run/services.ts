import type { Check } from '../kernel/check.ts';
import type { Resolver } from '../net/resolve.ts';
import { hostAndPort } from '../protocol/host-and-port.ts';

/** Probers whose targets may be the name of a service (RFC 2782), which stands for all the hosts that provide it. */
const withServices = new Set(['icmp', 'mtr', 'tcp']);

/** How long the name of a service may take to be looked up. */
const lookupMs = 5_000;

/** Turns checks of services into checks of their hosts, looking their names up anew at each call. */
export type Services = (checks: readonly Check[]) => Promise<readonly Check[]>;

/**
 * Each host of a service becomes a target of its own, named after it, with all that the service's target has. While a name cannot
 * be looked up its hosts are those that were known last; when none were, the check stays as it is, and its runs fail with the
 * reason. A host that stays is the same object from call to call.
 */
export const services = (resolver: Pick<Resolver, 'services'>): Services => {
  const known = new Map<Check, ReadonlyMap<string, Check>>();
  const hostsOf = async (check: Check, name: string): Promise<readonly Check[]> => {
    const found = await resolver.services(name, { signal: AbortSignal.timeout(lookupMs), trace: () => {} });
    const before = known.get(check);
    if (!found.ok) return before === undefined ? [check] : [...before.values()];
    const now = new Map<string, Check>();
    for (const { host, port } of found.places) {
      const address = hasPort(check) ? `${host}:${port}` : host;
      now.set(address, before?.get(address) ?? checkOf(check, host, address));
    }
    known.set(check, now);
    return [...now.values()];
  };
  return async (checks) => {
    const wanted = new Set(checks);
    for (const check of known.keys()) if (!wanted.has(check)) known.delete(check);
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
  return {
    ...check,
    id: `${id}/${address}`,
    instance: `${instance}${address}`,
    target: { ...target, name: host, address },
    labels: { ...labels, name: host, instance: `${instance}${address}` },
  };
};
