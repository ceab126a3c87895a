import { gauge } from '../kernel/metric.ts';

/** What several probers say of their regular expressions, under blackbox_exporter's name. */
export const failedByRegex = gauge(
  'probe_failed_due_to_regex',
  'Whether a regular expression of the module made the probe fail: 1 or 0.',
  { dialect: 'blackbox_exporter' },
);
