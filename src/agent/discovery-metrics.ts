import type { BlockState } from '../discover/discovery.ts';
import { gauge, type Point, point } from '../kernel/metric.ts';
import type { PublisherState } from './publisher.ts';

const labels = { source: 'The block of `discover`, for example `kubernetes[0]`.' } as const;

/** Metrics of discovery; there for each block of `discover`. */
export const discoveryMetrics = {
  targets: gauge('bothways_discovery_targets', 'Targets that were found and are in use, at all vantages.', { labels }),
  above: gauge(
    'bothways_discovery_targets_left_out',
    'Targets left out because a namespace has more than its share, or files have more than `max_targets`.',
    {
      labels,
    },
  ),
  up: gauge('bothways_discovery_up', 'Whether what is in use is up to date: 1, or 0 while the source cannot be read.', {
    labels,
  }),
  synced: gauge(
    'bothways_discovery_last_success_timestamp_seconds',
    'When the source was last read or heard of, in Unix seconds; 0 before that.',
    { labels },
  ),
  published: gauge('bothways_publication_targets', 'Targets that the functions outside are told of.'),
  unpublished: gauge(
    'bothways_publication_targets_left_out',
    'Targets that they are not told of: above `max_targets`, or of a kind that they would not take; the log says which.',
  ),
  publishedAt: gauge(
    'bothways_publication_last_success_timestamp_seconds',
    'When what they are told was last up to date, in Unix seconds; 0 before that.',
  ),
};

/** The points of {@link discoveryMetrics}. */
export const discoveryPoints = (blocks: readonly BlockState[], outside?: PublisherState): Point[] => [
  ...blocks.flatMap(({ name: source, found, above, syncedAt, problem }) => [
    point(discoveryMetrics.targets, found, { source }),
    point(discoveryMetrics.above, above, { source }),
    point(discoveryMetrics.up, problem === undefined && syncedAt !== undefined ? 1 : 0, { source }),
    point(discoveryMetrics.synced, (syncedAt ?? 0) / 1_000, { source }),
  ]),
  ...(outside === undefined
    ? []
    : [
        point(discoveryMetrics.published, outside.targets),
        point(discoveryMetrics.unpublished, outside.leftOut),
        point(discoveryMetrics.publishedAt, (outside.publishedAt ?? 0) / 1_000),
      ]),
];
