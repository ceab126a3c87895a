import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { type Addresses, keysOf } from './reach.ts';

/** How often the name of an API server is looked up, in milliseconds. */
const againMs = 60_000;

/** The addresses that no found target leads to, as they are now. */
export type OwnPlaces = () => Addresses;

/**
 * The addresses of this host or pod, of its node (`BOTHWAYS_NODE_IP`), of the cluster's API server and of the one that is asked. The name
 * of a server is looked up now and then; while it cannot be, its last addresses count.
 */
export const ownPlaces = (server: string, environment: Readonly<Record<string, string | undefined>>): OwnPlaces => {
  const host = URL.canParse(server) ? new URL(server).hostname.replace(/^\[(.*)\]$/, '$1') : '';
  const { KUBERNETES_SERVICE_HOST: own, BOTHWAYS_NODE_IP: node } = environment;
  let resolved: readonly string[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  const look = () => {
    if (host === '' || keysOf([host]).size > 0 || performance.now() - lookedAt < againMs) return;
    lookedAt = performance.now();
    void lookup(host, { all: true }).then(
      (all) => {
        resolved = all.map(({ address }) => address);
      },
      () => {},
    );
  };
  look();
  return () => {
    look();
    const interfaces = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
    return keysOf([host, own, node, ...resolved, ...interfaces]);
  };
};
