import { counter, gauge, type Point, point } from '../../kernel/metric.ts';
import { type Run, speaks } from '../../kernel/run.ts';
import { addressMetrics, addressPoints } from '../../net/address.ts';
import { addressSuccess } from '../../net/each-address.ts';
import { pingMetrics, pingPoints } from '../../net/icmp/network-exporter.ts';
import { lossRatio, statisticNames as stat, statisticsOf, sumOf } from '../../protocol/statistics.ts';
import { type IcmpFacts, type IcmpMemory, sumOfTotals } from './facts.ts';

const blackbox = { dialect: 'blackbox_exporter' } as const;
const phase = {
  resolve: 'Resolving the name.',
  setup: 'Preparing socket and packet.',
  rtt: 'From the leaving of the packet to the arrival of the reply, by the stamps of the kernel; the mean of a burst, 0 without a reply.',
} as const;

/** The metrics of the prober icmp. */
export const icmpMetrics = {
  ...addressMetrics,
  ...pingMetrics,
  duration: gauge('probe_icmp_duration_seconds', 'Time spent in each phase, in seconds.', {
    ...blackbox,
    labels: { phase },
  }),
  hopLimit: gauge(
    'probe_icmp_reply_hop_limit',
    'Hop limit (IPv4: time to live) that the reply arrived with.',
    blackbox,
  ),
  rtt: gauge('probe_icmp_rtt_seconds', 'Round trips of the last run, in seconds; absent when nothing was answered.', {
    labels: { stat },
  }),
  loss: gauge('probe_icmp_loss_ratio', 'Share of the packets of the last run that were not answered in time, 0 to 1.'),
  sent: counter('probe_icmp_packets_sent_total', 'Echo requests sent.'),
  received: counter('probe_icmp_packets_received_total', 'Echo requests answered in time, each once.'),
  late: counter(
    'probe_icmp_packets_late_total',
    'Replies that came after their time limit; their packets count as lost.',
  ),
  duplicate: counter('probe_icmp_packets_duplicate_total', 'Replies to packets that had been answered before.'),
  addressSuccess,
};

/** The points of an ICMP run. */
export const icmpPoints = (run: Run<IcmpFacts>, memory: IcmpMemory | undefined, isEach: boolean): Point[] => {
  const { facts } = run.outcome;
  const { bursts = [] } = facts;
  const rtts = bursts.flatMap((burst) => burst.rtts);
  const sent = sumOf(bursts.map((burst) => burst.sent));
  const statistics = statisticsOf(rtts);
  const points = [
    ...addressPoints(facts.address ?? {}),
    point(icmpMetrics.duration, facts.address?.lookupSeconds ?? 0, { phase: 'resolve' }),
    point(icmpMetrics.duration, facts.setupSeconds ?? 0, { phase: 'setup' }),
    point(icmpMetrics.duration, statistics?.mean ?? 0, { phase: 'rtt' }),
  ];
  const hopLimit = bursts.find((burst) => burst.hopLimit !== undefined)?.hopLimit;
  if (hopLimit !== undefined) points.push(point(icmpMetrics.hopLimit, hopLimit));
  // safe: the names of the table are those of the statistics
  for (const name of Object.keys(stat) as (keyof typeof stat)[])
    if (statistics !== undefined) points.push(point(icmpMetrics.rtt, statistics[name], { stat: name }));
  if (sent > 0) points.push(point(icmpMetrics.loss, lossRatio(sent, rtts.length)));
  points.push(...totals(memory));
  for (const { ip, rtts: answered } of isEach ? bursts : [])
    points.push(point(icmpMetrics.addressSuccess, answered.length > 0 ? 1 : 0, { address: ip }));
  if (speaks(run, 'network_exporter'))
    points.push(
      ...pingPoints(run.check.target.address, bursts.length > 0 ? bursts : unsent(facts, memory), memory?.totals),
    );
  return points;
};

/** A run that came to no packet, for a name without an address say, is one whose packets are all lost: to the addresses of the run before. */
const unsent = ({ address }: Partial<IcmpFacts>, memory: IcmpMemory | undefined) => {
  const known = address?.ip === undefined ? (memory?.latest ?? []) : [address.ip];
  return (known.length > 0 ? known : ['']).map((ip) => ({ ip, sent: 0, rtts: [] }));
};

const totals = (memory: IcmpMemory | undefined): Point[] => {
  if (memory === undefined || memory.totals.size === 0) return [];
  const { sent, received, late, duplicates, later } = sumOfTotals(memory);
  return [
    point(icmpMetrics.sent, sent),
    point(icmpMetrics.received, received),
    point(icmpMetrics.late, late + later.late),
    point(icmpMetrics.duplicate, duplicates + later.duplicates),
  ];
};
