import type { Seconds } from '../../kernel/check.ts';
import { gauge, type Point, point } from '../../kernel/metric.ts';
import type { Run } from '../../kernel/run.ts';
import { type AddressFacts, addressMetrics, addressPoints } from '../../net/address.ts';
import { failedByRegex } from '../../net/failed-by-regex.ts';
import { cipherMetric, type TlsFacts, tlsMetrics, tlsPoints } from '../../net/tls-facts.ts';

/** Seconds of one hop, as far as it came. */
export type Phases = {
  readonly resolve?: Seconds;
  readonly connect?: Seconds;
  readonly tls?: Seconds;
  readonly processing?: Seconds;
  readonly transfer?: Seconds;
};

/** What the probe learned. `hops` holds every request in order; the rest is of the last answer. */
export type HttpFacts = {
  readonly address: Partial<AddressFacts>;
  readonly hops: readonly Phases[];
  readonly tls: TlsFacts;
  readonly ssl: boolean;
  readonly status: number;
  readonly version: string;
  readonly redirects: number;
  readonly contentLength: number;
  readonly wireLength: number;
  readonly bodyLength: number;
  readonly lastModified: number;
  readonly failedByRegex: boolean;
};

const dialect = 'blackbox_exporter';
const phase = {
  resolve: 'Resolving names.',
  connect: 'Opening TCP connections.',
  tls: 'TLS handshakes (RFC 8446, section 2); 0 for plain HTTP.',
  processing: 'From the connection being ready to the first byte of the answer.',
  transfer: 'From the first byte of the last answer to its end.',
} as const;

/** The metrics of the http prober. */
export const httpMetrics = {
  ...addressMetrics,
  ...tlsMetrics,
  cipher: cipherMetric,
  duration: gauge('probe_http_duration_seconds', 'Time spent in each phase, summed over redirects, in seconds.', {
    dialect,
    labels: { phase },
    profile: 'lean',
  }),
  status: gauge('probe_http_status_code', 'Status code of the last answer; 0 without one.', {
    dialect,
    profile: 'lean',
  }),
  contentLength: gauge(
    'probe_http_content_length',
    'Length of the last answer as its head says it, in bytes; -1 if it does not.',
    { dialect },
  ),
  bodyLength: gauge('probe_http_uncompressed_body_length', 'Length of the last answer after decompression, in bytes.', {
    dialect,
  }),
  wireLength: gauge(
    'probe_http_body_wire_bytes',
    'Length of the last answer as it came, before decompression, in bytes.',
    { profile: 'full' },
  ),
  redirects: gauge('probe_http_redirects', 'Number of redirects.', { dialect }),
  ssl: gauge('probe_http_ssl', 'Whether the last answer came over TLS: 1 or 0.', { dialect }),
  version: gauge('probe_http_version', 'HTTP version of the last answer: 1, 1.1 or 2; 0 without one.', { dialect }),
  lastModified: gauge(
    'probe_http_last_modified_timestamp_seconds',
    'The Last-Modified of the last answer, in Unix seconds.',
    { dialect },
  ),
  failedByRegex,
};

const versionNumbers: Readonly<Record<string, number>> = { 'HTTP/1.0': 1, 'HTTP/1.1': 1.1, 'HTTP/2.0': 2 };

/** The points of a run, each there from the stage on that blackbox_exporter has it. */
export const httpPoints = ({ outcome: { facts } }: Run<HttpFacts>): Point[] => {
  const points = [
    ...addressPoints(facts.address ?? {}),
    point(httpMetrics.status, facts.status ?? 0),
    point(httpMetrics.contentLength, facts.contentLength ?? 0),
    point(httpMetrics.bodyLength, facts.bodyLength ?? 0),
    point(httpMetrics.redirects, facts.redirects ?? 0),
    point(httpMetrics.ssl, facts.ssl === true ? 1 : 0),
    point(httpMetrics.version, versionNumbers[facts.version ?? ''] ?? 0),
    point(httpMetrics.failedByRegex, facts.failedByRegex === true ? 1 : 0),
  ];
  if (facts.wireLength !== undefined) points.push(point(httpMetrics.wireLength, facts.wireLength));
  if (facts.lastModified !== undefined) points.push(point(httpMetrics.lastModified, facts.lastModified));
  points.push(...phasePoints(facts));
  if (facts.tls !== undefined)
    points.push(...tlsPoints(facts.tls), point(httpMetrics.cipher, 1, { cipher: facts.tls.cipher }));
  return points;
};

const phasePoints = ({ hops = [], address }: Partial<HttpFacts>): Point[] => {
  const sums = { resolve: 0, connect: 0, tls: 0, processing: 0, transfer: 0 };
  for (const hop of hops) {
    sums.resolve += hop.resolve ?? 0;
    sums.connect += hop.connect ?? 0;
    sums.tls += hop.tls ?? 0;
    sums.processing += hop.processing ?? 0;
  }
  // Only the last answer is read to its end.
  sums.transfer = hops.at(-1)?.transfer ?? 0;
  if (hops.length === 0) return [];
  const resolve = point(httpMetrics.duration, sums.resolve, { phase: 'resolve' });
  if (address?.ip === undefined) return [resolve];
  return [
    resolve,
    point(httpMetrics.duration, sums.connect, { phase: 'connect' }),
    point(httpMetrics.duration, sums.tls, { phase: 'tls' }),
    point(httpMetrics.duration, sums.processing, { phase: 'processing' }),
    point(httpMetrics.duration, sums.transfer, { phase: 'transfer' }),
  ];
};
