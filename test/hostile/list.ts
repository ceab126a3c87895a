import type { HostilePeer, PeerModule } from './peer.ts';
import { peerNamed } from './table.ts';

/** The target that must not notice anything of the others. */
export const canaryName = 'canary';

/** Where everything of a batch is. `ports` of servers, `hosts` of the lab, by the name of the peer. */
export type Places = {
  readonly canary: number;
  readonly receiver: string;
  readonly ca: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly hosts: Readonly<Record<string, string>>;
};

/** Intervals and limits of a batch. Targets are due every two seconds, so that each runs several times. */
const every = { interval: '2s', timeout: '1500ms' };

/** The target of a peer, where it is. */
export const targetOf = (peer: HostilePeer, { ports, hosts }: Places): string =>
  peer.target(String(ports[peer.name] ?? hosts[peer.name] ?? ''));

/** A module as both programs take it: over IPv4, trusting the root of the hostile servers. */
const withRoot = ({ prober, timeout = every.timeout, ...blocks }: PeerModule, ca: string) => {
  // safe: the block has the name of its prober
  const block = (blocks[prober] ?? {}) as Readonly<Record<string, unknown>>;
  const tls = prober === 'icmp' ? {} : { tls_config: { ca_file: ca } };
  return { prober, timeout, [prober]: { preferred_ip_protocol: 'ip4', ...tls, ...block } };
};

const modulesOf = (names: readonly string[], ca: string) =>
  Object.fromEntries(names.map((name) => [name, withRoot(peerNamed(name).module, ca)]));

/** The list of an agent with the canary and these peers. JSON is YAML. */
export const listOf = (names: readonly string[], places: Places): string => {
  const targets = names.flatMap((name) => {
    const peer = peerNamed(name);
    const target = targetOf(peer, places);
    return Array.from({ length: peer.copies ?? 1 }, (_, copy) => ({
      name: `${name}--${copy}`,
      instance: `${name}#${copy}`,
      target,
      module: name,
      side: 'inside',
      interval: every.interval,
    }));
  });
  const canary = {
    name: canaryName,
    target: `http://127.0.0.1:${places.canary}/`,
    side: 'inside',
    interval: '1s',
    http: { preferred_ip_protocol: 'ip4' },
    timeout: '900ms',
  };
  return JSON.stringify({
    version: 1,
    vantages: { here: { kind: 'agent' } },
    remote_write: [{ url: places.receiver }],
    modules: modulesOf(names, places.ca),
    targets: [canary, ...targets],
  });
};

/** The same modules for blackbox_exporter. */
export const blackboxConfig = (names: readonly string[], { ca }: Places): string =>
  JSON.stringify({ modules: modulesOf(names, ca) });
