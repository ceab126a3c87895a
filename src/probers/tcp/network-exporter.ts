import type { Seconds } from '../../kernel/check.ts';
import { gauge, type Point, point } from '../../kernel/metric.ts';

const dialect = 'network_exporter';
const labels = {
  target: 'The host as the list has it.',
  target_ip: 'The address that was connected to.',
  source_ip: 'The local address of the connection; 0.0.0.0 when there was none.',
  port: 'The port.',
} as const;

/** network_exporter's series of a TCP probe. */
export const connectionMetrics = {
  connectionStatus: gauge('tcp_connection_status', 'Whether the connection was established: 1 or 0.', {
    dialect,
    labels,
  }),
  connectionSeconds: gauge('tcp_connection_seconds', 'Time to connect, or to fail at it, in seconds.', {
    dialect,
    labels,
  }),
};

/** What network_exporter says of a connection. `source` is there when it was established. */
export type Connection = {
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  readonly source: string | undefined;
  readonly seconds: Seconds;
};

/** The points of {@link connectionMetrics}: none for a name that was not resolved. */
export const connectionPoints = ({ host, ip, port, source, seconds }: Connection): Point[] => {
  const values = { target: host, target_ip: ip, source_ip: source ?? '0.0.0.0', port: String(port) };
  return [
    point(connectionMetrics.connectionStatus, source === undefined ? 0 : 1, values),
    point(connectionMetrics.connectionSeconds, seconds, values),
  ];
};
