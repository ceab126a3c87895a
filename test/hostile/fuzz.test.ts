import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { type Case, httpCase, type Kind } from './fuzz/cases.ts';
import { fuzz } from './fuzz/fuzz.ts';
import { mutate, randomOf } from './fuzz/mutate.ts';
import { whyNoDnsSuccess, whyNoSuccess } from './fuzz/oracle.ts';

// The share of `npm run hostile -- --fuzz 100000` that goes with the tests.

const seeds = [1, randomInt(1_000_000)];

const inTests: readonly Kind[] = ['tls', 'http/1.1', 'http/2', 'dns'];

for (const kind of inTests) {
  test(`hostile: mutated ${kind} answers end no process and are no success that cannot be one`, async (t) => {
    for (const seed of seeds) {
      const report = await fuzz({ kind, seed, count: 500 });
      t.diagnostic(`seed ${seed}: ${report.good} of ${report.runs} succeeded, ${report.perSecond.toFixed(0)} a second`);
      const { crashes, wrong, unexpected, runs } = report;
      assert.deepEqual(
        { crashes, wrong, unexpected, runs },
        { crashes: [], wrong: [], unexpected: [], runs: 500 },
        `seed ${seed}`,
      );
      // Without successes the absence of wrong ones shows nothing. A loaded machine may lose some to the time limit.
      assert.ok(report.intactGood > 0, JSON.stringify(report.reasons));
    }
  });
}

test('hostile: a mutation is another text each time, and the same for the same seed', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');
  const all = Array.from({ length: 500 }, (_, id) => mutate(bytes, randomOf(7, id)));
  assert.ok(all.every((one) => !one.equals(bytes)));
  assert.ok(new Set(all.map(String)).size > 300);
  assert.deepEqual(mutate(bytes, randomOf(7, 3)), all[3]);
});

test('hostile: the judge of mutated answers calls what is right possible, and what is cut impossible', () => {
  const at = (kind: 'http/1.1' | 'http/2', change: Case['change']) =>
    Array.from({ length: 2_000 }, (_, id) => httpCase(kind, 3, id)).filter((one) => one.change === change);
  for (const kind of ['http/1.1', 'http/2'] as const) {
    assert.ok(at(kind, 'none').length > 20);
    for (const one of at(kind, 'none')) assert.equal(whyNoSuccess(kind, one), undefined);
    const cut = at(kind, 'cut').filter((one) => one.bytes.length < 30);
    assert.ok(cut.length > 20);
    for (const one of cut) assert.notEqual(whyNoSuccess(kind, one), undefined);
  }
  const answer = (text: string, end: Case['end']) =>
    whyNoSuccess('http/1.1', { bytes: Buffer.from(text), change: 'mutated', end });
  assert.equal(answer('HTTP/1.1 200 OK\r\n\r\nwhole', 'fin'), undefined);
  assert.match(answer('HTTP/1.1 200 OK\r\n\r\nhalf', 'reset') ?? '', /reset/);
  assert.match(answer('HTTP/1.1 200 OK\r\n\r\nhalf', 'open') ?? '', /open/);
  assert.match(answer('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'fin') ?? '', /shorter/);
  assert.match(answer('HTTP/1.1 500 OK\r\nContent-Length: 0\r\n\r\n', 'fin') ?? '', /status/);
  assert.match(whyNoDnsSuccess(Buffer.alloc(5), Buffer.alloc(40)) ?? '', /shorter/);
});
