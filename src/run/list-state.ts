import type { EpochMs } from '../kernel/check.ts';
import { gauge, type Point, point } from '../kernel/metric.ts';

/** Metrics of the list that a process works by. */
export const listStateMetrics = {
  reloaded: gauge('bothways_list_last_reload_successful', 'Whether the newest list could be read: 1 or 0.'),
  reloadedAt: gauge(
    'bothways_list_last_reload_success_timestamp_seconds',
    'When the list in use was read, in Unix seconds.',
  ),
  list: gauge('bothways_list_info', 'The list in use; always 1.', {
    labels: { hash: 'Of its contents.' },
  }),
};

/** The list in use, and whether the newest one could be read. */
export type ListState = { readonly hash: string; readonly loadedAt: EpochMs; readonly ok: boolean };

/** The points of {@link listStateMetrics}. */
export const listStatePoints = ({ hash, loadedAt, ok }: ListState): Point[] => [
  point(listStateMetrics.reloaded, ok ? 1 : 0),
  point(listStateMetrics.reloadedAt, loadedAt / 1_000),
  point(listStateMetrics.list, 1, { hash }),
];
