import { clustersOf } from '../config/aws.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { List } from '../config/schema.ts';
import type { Check, Profile, Vantage } from '../kernel/check.ts';
import { atMost, cpuPerRun, samplesPerRun } from './expected-samples.ts';
import { costOfUnits, type UnitPrices } from './prices.ts';
import { type Region, regionsOf } from './regions.ts';

/** What a list makes and costs at one vantage. Times are seconds, money is dollars a month of 730 hours. */
export type VantageCost = {
  readonly vantage: string;
  readonly kind: Vantage['kind'];
  readonly checks: number;
  /** Targets that clusters may publish for it; all of them are counted, each as a check a minute with all its series. */
  readonly found: number;
  readonly shards: number;
  readonly invocations: number;
  readonly secondsPerRun: number;
  readonly gbSeconds: number;
  readonly series: number;
  readonly seriesByProfile: Readonly<Record<Profile, number>>;
  readonly samplesPerSecond: number;
  readonly samples: number;
  readonly usd: { readonly lambda: number; readonly requests: number; readonly scheduler: number };
};

/** A receiver and what it takes in; money only where it is known who asks for it. */
export type ReceiverCost = {
  readonly receiver: string;
  readonly series: number;
  readonly samplesPerSecond: number;
  readonly samples: number;
  readonly usd: number | undefined;
};

/** What a list makes and costs. */
export type Costs = {
  readonly vantages: readonly VantageCost[];
  readonly receivers: readonly ReceiverCost[];
  readonly series: number;
  readonly samples: number;
  readonly usd: number;
  readonly warnings: readonly string[];
};

/** What {@link costsOf} looks at. */
export type Costed = {
  readonly list: Pick<List, 'vantages' | 'aws' | 'budget'>;
  readonly vantages: readonly Vantage[];
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
};

const month = { seconds: 730 * 3_600, minutes: 730 * 60 };
/** Series of a vantage and each of its shards about themselves. */
const selfSeries = { agent: 40, shard: 11, lambda: 3, cluster: 2 };
/** A run of a shard waits for its slowest probe and for the receivers. */
const restSeconds = 1;
/** The part of a core that probing keeps busy, so that it does not make its own probes late. */
const busy = 0.6;
const wholeCoreMegabytes = 1_769;
const limits = { seconds: 40, newAccount: 10, account: 1_000 };

/** Adds up what a list makes and costs, vantage by vantage and receiver by receiver. */
export const costsOf = (costed: Costed, unit: UnitPrices): Costs => {
  const regions = regionsOf(costed);
  const memory = costed.list.aws?.memory ?? 512;
  const vantages = costed.vantages.map((vantage) => {
    const own = costed.checks.filter((check) => check.vantage.name === vantage.name);
    return vantageCost(
      vantage,
      own,
      regions.find((region) => region.vantage === vantage.name),
      { memory, clusters: clustersOf(costed.list.aws).length },
      unit,
    );
  });
  const receivers = withMoney(
    costed.endpoints,
    costed.endpoints.map((endpoint) => receiverCost(endpoint, vantages)),
    unit,
  );
  const usd =
    vantages.reduce((sum, one) => sum + one.usd.lambda + one.usd.requests + one.usd.scheduler, 0) +
    receivers.reduce((sum, one) => sum + (one.usd ?? 0), 0);
  return {
    vantages,
    receivers,
    series: sumOf(vantages, ({ series }) => series),
    samples: sumOf(vantages, ({ samples }) => samples),
    usd,
    warnings: vantages.flatMap(warningsOf),
  };
};

const sumOf = <T>(all: readonly T[], value: (one: T) => number): number =>
  all.reduce((sum, one) => sum + value(one), 0);

const vantageCost = (
  { name, kind }: Vantage,
  checks: readonly Check[],
  region: Region | undefined,
  { memory, clusters }: { readonly memory: number; readonly clusters: number },
  unit: UnitPrices,
): VantageCost => {
  const shards = region?.shards ?? 0;
  const seriesByProfile = { lean: 0, standard: 0, full: 0 };
  let perSecond = 0;
  let cpuMsPerMinute = 0;
  for (const check of checks) {
    const samples = samplesPerRun(check);
    seriesByProfile[check.target.profile] += samples;
    perSecond += (samples * 1_000) / check.target.intervalMs;
    cpuMsPerMinute += (cpuPerRun(check) * 60_000) / check.target.intervalMs;
  }
  const found = region?.found ?? 0;
  seriesByProfile.full += found * atMost.samples;
  perSecond += (found * atMost.samples) / 60;
  cpuMsPerMinute += found * atMost.cpuMs;
  const ofShard = selfSeries.shard + clusters * selfSeries.cluster;
  const self = kind === 'agent' ? selfSeries.agent : shards * ofShard + (shards > 0 ? selfSeries.lambda : 0);
  const samplesPerSecond = perSecond + self / (kind === 'agent' ? 15 : 60);
  const share = Math.min(1, memory / wholeCoreMegabytes);
  const secondsPerRun = shards === 0 ? 0 : cpuMsPerMinute / 1_000 / shards / share / busy + restSeconds;
  const invocations = shards * month.minutes;
  const gbSeconds = invocations * secondsPerRun * (memory / 1_024);
  return {
    vantage: name,
    kind,
    checks: checks.length,
    found,
    shards,
    invocations,
    secondsPerRun,
    gbSeconds,
    series: seriesByProfile.lean + seriesByProfile.standard + seriesByProfile.full + self,
    seriesByProfile,
    samplesPerSecond,
    samples: samplesPerSecond * month.seconds,
    usd: {
      lambda: costOfUnits(gbSeconds, unit.lambda_gb_second),
      requests: costOfUnits(invocations, unit.lambda_request),
      scheduler: costOfUnits(invocations, unit.scheduler_invocation),
    },
  };
};

const receiverCost = ({ name, from }: Endpoint, vantages: readonly VantageCost[]): ReceiverCost => {
  const own = vantages.filter(({ vantage }) => from.includes(vantage));
  return {
    receiver: name,
    series: sumOf(own, ({ series }) => series),
    samplesPerSecond: sumOf(own, (one) => one.samplesPerSecond),
    samples: sumOf(own, (one) => one.samples),
    usd: undefined,
  };
};

/** Tiers count what a region takes in, by all its workspaces together; each receiver bears its part. */
const withMoney = (
  endpoints: readonly Endpoint[],
  receivers: readonly ReceiverCost[],
  unit: UnitPrices,
): readonly ReceiverCost[] => {
  const hosts = endpoints.map(({ settings }) => managedHost(settings.url));
  return receivers.map((one, index) => {
    const host = hosts[index];
    if (host === undefined || one.samples === 0) return { ...one, usd: host === undefined ? undefined : 0 };
    const together = sumOf(receivers, (other) => (hosts[receivers.indexOf(other)] === host ? other.samples : 0));
    return { ...one, usd: (costOfUnits(together, unit.amp_sample) * one.samples) / together };
  });
};

/** The host of Amazon Managed Service for Prometheus in a region; `undefined` for other receivers. */
const managedHost = (url: string): string | undefined =>
  /^aps-workspaces\..*\.amazonaws\.com/.exec(URL.parse(url)?.hostname ?? '')?.input;

const warningsOf = ({ vantage, secondsPerRun, shards }: VantageCost): readonly string[] => [
  ...(secondsPerRun > limits.seconds
    ? [
        `${vantage}: a run takes about ${Math.round(secondsPerRun)} s of its 50; checks will be left out. More memory, longer intervals or fewer targets help`,
      ]
    : []),
  ...(shards > limits.account
    ? [
        `${vantage}: ${shards} shards start in the same second, and a region runs ${limits.account} at once unless AWS allows more`,
      ]
    : shards > limits.newAccount
      ? [
          `${vantage}: ${shards} shards start in the same second; new accounts may run no more than ${limits.newAccount} at once, so look at the quota of Lambda`,
        ]
      : []),
];
