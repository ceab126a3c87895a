import { counter, gauge, type Point, point } from '../kernel/metric.ts';
import type { WebConfigKeeper } from './web-config-keeper.ts';
import type { WebServer } from './web-server.ts';

/** Metrics of the agent's door. Those of the web configuration are there if there is one. */
export const doorMetrics = {
  connections: gauge('bothways_web_connections', 'Open connections to the page, /metrics and health checks.'),
  evicted: counter(
    'bothways_web_connections_evicted_total',
    'Connections that were closed to make room for new ones; of the client with the most, idle ones first.',
  ),
  configLoaded: gauge(
    'bothways_web_config_last_reload_successful',
    'Whether the newest web configuration is in use: 1, or 0 if the one before is.',
  ),
  configLoadedAt: gauge(
    'bothways_web_config_last_reload_success_timestamp_seconds',
    'When the web configuration in use was loaded, in Unix seconds.',
  ),
};

/** The points of {@link doorMetrics}. */
export const doorPoints = (
  connections: ReturnType<WebServer['connections']>,
  config: ReturnType<WebConfigKeeper['state']> | undefined,
): Point[] => [
  point(doorMetrics.connections, connections.open),
  point(doorMetrics.evicted, connections.evicted),
  ...(config === undefined
    ? []
    : [point(doorMetrics.configLoaded, config.ok ? 1 : 0), point(doorMetrics.configLoadedAt, config.loadedAt / 1_000)]),
];
