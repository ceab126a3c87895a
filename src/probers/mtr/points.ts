import { counter, gauge, type Point, point } from '../../kernel/metric.ts';
import { type Run, speaks } from '../../kernel/run.ts';
import { addressMetrics, addressPoints } from '../../net/address.ts';
import { mtrMetrics as compatible, mtrPoints as compatiblePoints } from '../../net/icmp/network-exporter.ts';
import { type EndState, endStates } from '../../protocol/hop-table.ts';
import { statisticNames as stat, statisticsOf } from '../../protocol/statistics.ts';
import type { MtrFacts, MtrMemory, NamedHop } from './facts.ts';

const ttl = 'The place of the hop in the path, two digits: 01 to 30.';
const perHop = { profile: 'full', labels: { ttl } } as const;

/** The metrics of the prober mtr. */
export const mtrMetrics = {
  ...addressMetrics,
  ...compatible,
  hops: gauge('probe_mtr_hops', 'Hops of the path: up to the target, or to where it ended.', { profile: 'lean' }),
  lastHop: gauge('probe_mtr_last_hop', 'The place of the last hop that answered; 0 when none did.', {
    profile: 'lean',
  }),
  endState: gauge('probe_mtr_end_state', 'How the path ended: 1 for the state that holds, 0 for the others.', {
    labels: { state: endStates },
  }),
  loss: gauge('probe_mtr_loss_ratio', 'Share of the packets that the last hop of the path did not answer, 0 to 1.', {
    profile: 'lean',
  }),
  rtt: gauge(
    'probe_mtr_rtt_seconds',
    'Round trips to the target in the last run, in seconds; absent when it was not reached.',
    { labels: { stat } },
  ),
  hash: gauge(
    'probe_mtr_path_hash',
    'A number for the path, 32 bits: another number, another path. A hop that is silent for once changes nothing.',
  ),
  changes: counter('probe_mtr_path_changes_total', 'How often the path was another one than before.'),
  packets: gauge('probe_mtr_packets', 'Packets that the last run sent.'),
  late: counter(
    'probe_mtr_packets_late_total',
    'Answers that came after their time limit; their packets count as lost.',
  ),
  unnamed: counter(
    'probe_mtr_addresses_left_out_total',
    'Answers of addresses beyond the 64 that a target may show in a day; their label is `other`.',
  ),
  hopLoss: gauge('probe_mtr_hop_loss_ratio', 'Share of the packets that a hop did not answer, 0 to 1.', perHop),
  hopForwardedLoss: gauge(
    'probe_mtr_hop_forwarded_loss_ratio',
    'The least loss of a hop and all behind it, 0 to 1: what it did not pass on. A router that is slow to answer loses nothing.',
    perHop,
  ),
  hopRtt: gauge(
    'probe_mtr_hop_rtt_seconds',
    'Round trips to a hop in the last run, in seconds; absent without an answer.',
    {
      profile: 'full',
      labels: { ttl, stat },
    },
  ),
  hopInfo: gauge('probe_mtr_hop_info', 'Who answers at a hop; 1.', {
    profile: 'full',
    labels: { ttl, hop_ip: 'An address, or `other`; at most 64 addresses for a target in a day.' },
  }),
};

/** The points of an MTR run. */
export const mtrPoints = (run: Run<MtrFacts>, memory: MtrMemory | undefined): Point[] => {
  const { facts } = run.outcome;
  const points = addressPoints(facts.address ?? {});
  const { path } = facts;
  if (path === undefined || memory === undefined) return points;
  const hops = path.hops.length === 0 ? [] : memory.hops;
  const last = hops.at(-1);
  points.push(
    point(mtrMetrics.hops, last?.ttl ?? 0),
    point(mtrMetrics.lastHop, hops.findLast(({ responder }) => responder !== undefined)?.ttl ?? 0),
    point(mtrMetrics.loss, path.end === 'reached' ? (last?.loss ?? 1) : 1),
    point(mtrMetrics.hash, memory.hash),
    point(mtrMetrics.changes, memory.changes),
    point(mtrMetrics.packets, path.sent),
    point(mtrMetrics.late, memory.late),
    point(mtrMetrics.unnamed, memory.unnamed),
  );
  // safe: the keys of the table
  for (const state of Object.keys(endStates) as EndState[])
    points.push(point(mtrMetrics.endState, path.end === state ? 1 : 0, { state }));
  if (path.end === 'reached' && last !== undefined)
    points.push(...roundTrips(last, (value, name) => point(mtrMetrics.rtt, value, { stat: name })));
  for (const hop of hops) points.push(...hopPoints(hop));
  if (!speaks(run, 'network_exporter')) return points;
  points.push(
    ...compatiblePoints(
      facts.address?.ip ?? '',
      hops.map((hop) => ({ ttl: hop.ttl, path: hop.label, rtts: hop.answers.map(({ rtt }) => rtt), loss: hop.loss })),
      [...memory.pairs.values()].filter(({ target }) => target === memory.ip),
    ),
  );
  return points;
};

const roundTrips = ({ answers }: NamedHop, make: (value: number, name: keyof typeof stat) => Point): Point[] => {
  const statistics = statisticsOf(answers.map(({ rtt }) => rtt));
  // safe: the names of the table are those of the statistics
  const names = Object.keys(stat) as (keyof typeof stat)[];
  return statistics === undefined ? [] : names.map((name) => make(statistics[name], name));
};

const hopPoints = (hop: NamedHop): Point[] => {
  const place = String(hop.ttl).padStart(2, '0');
  const points = [
    // Nothing is lost of what this host did not send.
    ...(hop.sent === 0 ? [] : [point(mtrMetrics.hopLoss, hop.loss, { ttl: place })]),
    ...(hop.sent === 0 ? [] : [point(mtrMetrics.hopForwardedLoss, hop.forwardedLoss, { ttl: place })]),
    ...roundTrips(hop, (value, name) => point(mtrMetrics.hopRtt, value, { ttl: place, stat: name })),
  ];
  if (hop.responder !== undefined) points.push(point(mtrMetrics.hopInfo, 1, { ttl: place, hop_ip: hop.label }));
  return points;
};
