import type { EpochMs } from '../kernel/check.ts';
import { gauge, type Point, point } from '../kernel/metric.ts';
import type { ClusterNow } from './cluster-list.ts';

const labels = {
  cluster: 'A cluster that the list listens to.',
  shard: 'Which part of the targets, `0/1` for all: as many as were configured.',
};

/** Metrics of what clusters tell a function; there for each cluster of `aws.list.clusters`. */
export const clusterMetrics = {
  age: gauge(
    'bothways_cluster_list_age_seconds',
    'How long ago the cluster last said what is to be probed for it, in seconds; its agent does so at least every five minutes. `+Inf` if it never did. Its targets are probed on.',
    { labels },
  ),
  reloaded: gauge(
    'bothways_cluster_list_last_reload_successful',
    'Whether the newest object of the cluster could be read: 1 or 0. If not, the log names the cluster and says why, and what it published before is probed on.',
    { labels },
  ),
  leftOut: gauge('bothways_cluster_checks_left_out', 'Checks of the cluster that are not taken; the log says why.', {
    labels,
  }),
};

/** The points of {@link clusterMetrics} for a run of a shard; ages are those at this time. */
export const clusterPoints = (shard: string, clusters: readonly ClusterNow[], now: EpochMs): Point[] =>
  clusters.flatMap(({ cluster, leftOut, writtenAt, problem }) => [
    point(
      clusterMetrics.age,
      writtenAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, (now - writtenAt) / 1_000),
      { cluster, shard },
    ),
    point(clusterMetrics.reloaded, problem === undefined ? 1 : 0, { cluster, shard }),
    point(clusterMetrics.leftOut, leftOut, { cluster, shard }),
  ]);
