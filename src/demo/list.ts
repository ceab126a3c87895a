import { stringify } from 'yaml';

/** The regions that the demo plays. */
export const regions = ['eu-west-1', 'us-east-1'] as const;

/** Networks of the functions: made up, but a list that probes private addresses from Lambda must name one. */
const vpc = { subnet_ids: ['subnet-00000000'], security_group_ids: ['sg-00000000'] };

/**
 * The target list of the demo as a file: two regions outside, one agent inside, intervals short enough to look at.
 * `receivers` are remote-write URLs.
 */
export const demoList = (targets: readonly object[], receivers: readonly string[]): string =>
  stringify({
    version: 1,
    vantages: {
      ...Object.fromEntries(
        regions.map((region) => [region, { kind: 'lambda', min_interval: '1s', private: 'allow', vpc }]),
      ),
      'cluster-a': { kind: 'agent', labels: { vantage_cluster: 'a' } },
    },
    remote_write: receivers.map((url) => ({ url, queue_config: { batch_send_deadline: '200ms' } })),
    defaults: {
      outside: { from: ['kind=lambda'], interval: '5s', timeout: '3s' },
      inside: { from: ['cluster-a'], interval: '2s', timeout: '1s' },
    },
    targets,
  });
