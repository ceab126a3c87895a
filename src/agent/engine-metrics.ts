import { counter, gauge, type Point, point } from '../kernel/metric.ts';
import type { ProbeEngine } from '../net/icmp/engine.ts';

const protocol = {
  icmp4: 'ICMP over IPv4.',
  icmp6: 'ICMP over IPv6.',
  udp: 'UDP, for paths.',
  tcp: 'TCP, for paths.',
} as const;
const mode = {
  dgram: 'By sockets that need no privilege.',
  raw: 'By raw sockets.',
  none: 'Not at all: the process may not.',
} as const;
const event = {
  late: 'It came after its time limit.',
  duplicate: 'Its packet had been answered before.',
  stray: 'It belongs to no packet of ours: forged, cut short, or from elsewhere.',
  unattributed: 'It quotes too little to say which packet it is about.',
  dropped: 'There was no room for it in the socket.',
} as const;

/** Metrics of the engine for ping and paths; there once a target has needed it. */
export const engineMetrics = {
  mode: gauge('bothways_icmp_mode_info', 'How this process sends the packets of a protocol; 1.', {
    labels: { protocol, mode },
  }),
  sent: counter('bothways_icmp_packets_sent_total', 'Packets sent for pings and paths.'),
  odd: counter('bothways_icmp_answers_total', 'Answers that came otherwise than they should.', { labels: { event } }),
  inFlight: gauge('bothways_icmp_packets_in_flight', 'Packets that are waited for.'),
  retries: counter(
    'bothways_icmp_send_retries_total',
    "Sends that were repeated, because the socket had another packet's error to report.",
  ),
  clockSteps: counter(
    'bothways_icmp_clock_steps_total',
    'Round trips whose times the monotonic clock contradicted: somebody set the clock.',
  ),
};

/** The points of {@link engineMetrics}; none while no engine is open. */
export const enginePoints = (engine: ProbeEngine | undefined): Point[] => {
  if (engine === undefined) return [];
  const { capabilities } = engine;
  const stats = engine.stats();
  const free = (may: boolean) => (may ? 'dgram' : 'none');
  return [
    point(engineMetrics.mode, 1, { protocol: 'icmp4', mode: capabilities.icmp4 }),
    point(engineMetrics.mode, 1, { protocol: 'icmp6', mode: capabilities.icmp6 }),
    point(engineMetrics.mode, 1, { protocol: 'udp', mode: free(capabilities.udp) }),
    point(engineMetrics.mode, 1, { protocol: 'tcp', mode: free(capabilities.tcp) }),
    point(engineMetrics.sent, stats.sent),
    point(engineMetrics.odd, stats.late, { event: 'late' }),
    point(engineMetrics.odd, stats.duplicate, { event: 'duplicate' }),
    point(engineMetrics.odd, stats.stray, { event: 'stray' }),
    point(engineMetrics.odd, stats.unattributed, { event: 'unattributed' }),
    point(engineMetrics.odd, stats.socketDrops, { event: 'dropped' }),
    point(engineMetrics.inFlight, stats.inFlight),
    point(engineMetrics.retries, stats.sendRetries),
    point(engineMetrics.clockSteps, stats.clockSteps),
  ];
};
