import type { CheckRow } from '../../src/page/status.ts';

/** The time of these tests. */
export const now = 1_700_000_000_000;
/** A check as the page is told of it: good, of the outside, unless said otherwise. */
export const row = (different: Partial<CheckRow> = {}): CheckRow => {
  const { name = 'shop', vantage = 'eu-west-1' } = different;
  return {
    id: `${name} ${vantage}`,
    name,
    instance: `https://${name}.example`,
    side: 'outside',
    vantage,
    vantageKind: 'lambda',
    labels: { team: 'checkout' },
    at: now - 3_000,
    intervalMs: 60_000,
    up: true,
    failures: [],
    seconds: 0.0123,
    phases: [
      ['resolve', 0.001],
      ['connect', 0.003],
      ['tls', 0],
    ],
    recent: [
      [1, 0.01, true],
      [2, 0.02, true],
    ],
    ...different,
  };
};
/** The same, while it fails. */
export const failing = (different: Partial<CheckRow> = {}) =>
  row({ up: false, failures: [{ phase: 'tls', reason: 'tls_expired' }], ...different });
