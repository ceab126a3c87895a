import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counter, gauge, point } from '../../src/kernel/metric.ts';

const phased = gauge('probe_test_seconds', 'Time of a phase.', {
  labels: { phase: { connect: 'Opening.', tls: 'Securing.' }, note: 'one per target' },
});
const plain = counter('bothways_test_total', 'Something counted.', { profile: 'lean' });

test('metric: a definition without options is a standard metric of ours without labels', () => {
  const { labels, profile, dialect, type } = gauge('probe_test', 'A test.');
  assert.deepEqual(
    { labels, profile, dialect, type },
    { labels: {}, profile: 'standard', dialect: 'bothways', type: 'gauge' },
  );
});

test('metric: a point carries its metric, its value and its own labels', () => {
  assert.deepEqual(point(phased, 1.5, { phase: 'tls', note: 'x' }), {
    metric: phased,
    value: 1.5,
    labels: { phase: 'tls', note: 'x' },
  });
  assert.deepEqual(point(plain, 2), { metric: plain, value: 2, labels: {} });
});

test('metric: a label that is missing, unknown or outside its closed set does not compile', () => {
  // @ts-expect-error a label is missing
  point(phased, 1, { phase: 'tls' });
  // @ts-expect-error the value is not in the closed set
  point(phased, 1, { phase: 'lunch', note: 'x' });
  // @ts-expect-error the label is unknown
  point(phased, 1, { phase: 'tls', note: 'x', other: 'y' });
  // @ts-expect-error labels are demanded
  point(phased, 1);
  // @ts-expect-error there are no labels
  point(plain, 1, { phase: 'tls' });
});
