import { gauge, type Point, point } from '../../kernel/metric.ts';
import type { Run } from '../../kernel/run.ts';
import type { HttpFacts } from './metrics.ts';

const dialect = 'network_exporter';
const target = { target: 'The URL as the list has it.' } as const;
const type = {
  DNSLookup: 'Resolving the name of the last request.',
  TCPConnection: 'Opening its connection.',
  TLSHandshake: 'Its TLS handshake; 0 for plain HTTP.',
  ServerProcessing: 'From its connection being ready to the first byte of the answer.',
  ContentTransfer: 'From the first byte to the last.',
  Total: 'The whole run, redirects included.',
  TLSEarliestCertExpiry: 'Not a duration: when the first certificate of the chain expires, in Unix seconds.',
  TLSLastChainExpiry: 'Not a duration: when the last of the verified chains expires, in Unix seconds.',
} as const;

/** network_exporter's series of an HTTP probe. */
export const httpGetMetrics = {
  getStatus: gauge('http_get_status', 'Status code after redirects; 0 without an answer.', { dialect, labels: target }),
  getBytes: gauge(
    'http_get_content_bytes',
    'Length of the answer as its head says it, in bytes: -1 if it does not; 0 without an answer.',
    { dialect, labels: target },
  ),
  getSeconds: gauge('http_get_seconds', 'Time spent, in seconds; 0 for what was not reached.', {
    dialect,
    labels: { ...target, type },
  }),
};

/** The points of {@link httpGetMetrics} of a run. A rule that the answer breaks is none of network_exporter's. */
export const httpGetPoints = ({ check, took, outcome: { facts, failures } }: Run<HttpFacts>): Point[] => {
  const isAnswered = facts.status !== undefined && failures.every(({ phase }) => phase === 'check');
  const labels = { target: check.target.address };
  const last = isAnswered ? facts.hops?.at(-1) : undefined;
  const seconds = {
    DNSLookup: last?.resolve ?? 0,
    TCPConnection: last?.connect ?? 0,
    TLSHandshake: last?.tls ?? 0,
    ServerProcessing: last?.processing ?? 0,
    ContentTransfer: last?.transfer ?? 0,
    Total: took,
    ...(isAnswered && facts.tls !== undefined && { TLSEarliestCertExpiry: facts.tls.earliestExpiry }),
    ...(isAnswered && facts.tls?.lastChainExpiry !== undefined && { TLSLastChainExpiry: facts.tls.lastChainExpiry }),
  };
  return [
    point(httpGetMetrics.getStatus, isAnswered ? (facts.status ?? 0) : 0, labels),
    point(httpGetMetrics.getBytes, isAnswered ? (facts.contentLength ?? 0) : 0, labels),
    // safe: the names of the record are those of the table
    ...(Object.entries(seconds) as [keyof typeof type, number][]).map(([name, value]) =>
      point(httpGetMetrics.getSeconds, value, { ...labels, type: name }),
    ),
  ];
};
