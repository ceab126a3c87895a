import type { Check, Profile } from '../kernel/check.ts';

type Row = Readonly<Record<Profile, number>> & {
  /** More of them with network_exporter's names, from profile `standard` on. */
  readonly named: number;
};

/**
 * Samples of a good run by what is probed, with those of the list. A test counts those of real runs and compares.
 * A path has as many series as it has hops: `perHop` is for each.
 */
const perRun: Readonly<Record<string, Row>> = {
  http: { lean: 10, standard: 21, full: 22, named: 8 },
  https: { lean: 11, standard: 27, full: 28, named: 10 },
  tcp: { lean: 4, standard: 13, full: 13, named: 2 },
  tls: { lean: 5, standard: 19, full: 19, named: 2 },
  dns: { lean: 8, standard: 16, full: 16, named: 0 },
  icmp: { lean: 4, standard: 24, full: 24, named: 12 },
  mtr: { lean: 7, standard: 28, full: 28, named: 1 },
};
const perHop = { full: 9, named: 12 } as const;
/** A usual way through the internet. */
const usualHops = 12;

/** What a check costs in milliseconds of CPU: twice what was measured warm, since functions are rarely warm. */
const cpuMs: Readonly<Record<string, number>> = {
  http: 1.5,
  https: 4.5,
  tcp: 0.6,
  tls: 3,
  dns: 0.6,
  icmp: 0.2,
  mtr: 2,
};

/** What is probed, as the tables name it: the prober, or its form over TLS. */
export const kindOfCheck = ({ module, target }: Pick<Check, 'module' | 'target'>): string => {
  const { tls } = module.settings as { readonly tls?: unknown };
  const secure = /^(?:https|wss):/.test(target.address) || tls === true;
  if (module.prober === 'http') return secure ? 'https' : 'http';
  if (module.prober === 'tcp') return secure ? 'tls' : 'tcp';
  return module.prober;
};

/** How many samples a good run of a check makes. As many series are alive for it. */
export const samplesPerRun = (check: Check, hops: number = usualHops): number => {
  const kind = kindOfCheck(check);
  const row = perRun[kind] ?? perRun.https;
  if (row === undefined) return 0;
  const { profile, names, slo } = check.target;
  const named = names.includes('network_exporter') && profile !== 'lean';
  const ofHops = kind !== 'mtr' ? 0 : (profile === 'full' ? perHop.full : 0) + (named ? perHop.named : 0);
  return row[profile] + (named ? row.named : 0) + ofHops * hops + (slo === undefined ? 0 : 2);
};

/** Milliseconds of CPU that a run of a check takes. */
export const cpuPerRun = (check: Check): number => cpuMs[kindOfCheck(check)] ?? 4.5;

/** What a check costs at most whose prober nobody knows yet, as long as it is none of a path. */
export const atMost = {
  samples: Math.max(
    ...['http', 'https', 'tcp', 'tls', 'dns'].map((kind) => (perRun[kind]?.full ?? 0) + (perRun[kind]?.named ?? 0)),
  ),
  cpuMs: Math.max(...Object.values(cpuMs)),
};
