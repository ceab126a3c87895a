import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliveryRemarks } from '../../src/agent/delivery-remarks.ts';
import type { Counts } from '../../src/delivery/deliver.ts';

const nothing: Counts = {
  accepted: 0,
  dropped: 0,
  rejected: {},
  lost: {},
  waiting: 0,
  oldestWaiting: undefined,
  requests: 0,
  retries: 0,
  lastProblem: undefined,
  lastStatus: undefined,
  paused: false,
  skewMs: undefined,
};

const listener = () => {
  const said: string[] = [];
  const clock = { minutes: 0 };
  const log = (level: string, text: string) => void said.push(`${level}: ${text}`);
  const remark = deliveryRemarks('prod-a', log, () => clock.minutes * 60_000);
  const look = (counts: Partial<Counts>, endpoint = 'mimir') => {
    said.length = 0;
    remark([{ endpoint, counts: { ...nothing, ...counts } }]);
    return [...said];
  };
  return { look, clock };
};

test('delivery remarks: nothing is said of a receiver that takes what it gets', () => {
  const { look } = listener();
  assert.deepEqual(look({ waiting: 5 }), []);
  assert.deepEqual(look({ accepted: 5, retries: 1, lastProblem: 'status 503' }), []);
  assert.deepEqual(look({ accepted: 5, retries: 1, waiting: 3 }), []);
});

test('delivery remarks: one that takes nothing is told once, then every five minutes, and that it answers again', () => {
  const { look, clock } = listener();
  const down = { accepted: 5, retries: 3, waiting: 40, lastProblem: 'ECONNREFUSED' };
  assert.deepEqual(look(down), [], 'it took five just before');
  assert.deepEqual(look({ ...down, retries: 4 }), ['error: mimir takes no samples: ECONNREFUSED; 40 wait']);
  clock.minutes = 4;
  assert.deepEqual(look({ ...down, retries: 4, waiting: 60 }), []);
  clock.minutes = 5;
  assert.deepEqual(look({ ...down, retries: 9, waiting: 90 }), [
    'error: mimir takes no samples: ECONNREFUSED; 90 wait',
  ]);
  assert.deepEqual(look({ ...down, accepted: 50, waiting: 45 }), ['info: mimir answers again; 45 samples wait']);
  assert.deepEqual(look({ ...down, accepted: 95, waiting: 0 }), []);
});

test('delivery remarks: a receiver that flaps is not told of at each beat', () => {
  const { look } = listener();
  let all: string[] = [];
  for (let beat = 1; beat <= 20; beat += 1) {
    all = [...all, ...look({ accepted: beat, retries: beat })];
    all = [...all, ...look({ accepted: beat, retries: beat + 1, waiting: 9, lastProblem: 'status 503' })];
  }
  assert.equal(all.length, 2, all.join('\n'));
});

test('delivery remarks: a token that is not taken is told while the way is paused', () => {
  const { look } = listener();
  const said = look({ paused: true, waiting: 7, lastProblem: 'status 401: token expired' });
  assert.deepEqual(said, ['error: mimir takes no samples: status 401: token expired; 7 wait']);
});

test('delivery remarks: refused samples are counted, and samples out of order make one ask for a twin', () => {
  const { look, clock } = listener();
  const refused = { accepted: 9, lastProblem: 'status 400: label value too long' };
  assert.deepEqual(look({ ...refused, rejected: { 400: 2 } }), [
    'error: mimir refused 2 samples: status 400: label value too long',
  ]);
  assert.deepEqual(look({ ...refused, rejected: { 400: 5 } }), []);
  clock.minutes = 6;
  const problems = ['out of order sample', 'err-mimir-sample-out-of-order', 'duplicate sample for timestamp'];
  for (const [index, lastProblem] of problems.entries()) {
    const twins = listener();
    const [said] = twins.look({ accepted: 9, rejected: { 400: index + 1 }, lastProblem });
    assert.match(said ?? '', /; does another agent push as vantage prod-a\?$/);
  }
  assert.match(look({ ...refused, rejected: { 400: 6 } })[0] ?? '', /refused 4 samples/);
});

test('delivery remarks: what is thrown away is told with its reason', () => {
  const { look } = listener();
  const lost = { accepted: 1, lost: { capacity: 300, ahead_of_clock: 2 } };
  assert.deepEqual(look(lost), [
    'error: 300 samples for mimir were thrown away: capacity',
    'error: 2 samples for mimir were thrown away: ahead_of_clock',
  ]);
});

test('delivery remarks: an endpoint whose settings changed counts from nothing, one that left is forgotten', () => {
  const { look } = listener();
  assert.equal(look({ accepted: 900, rejected: { 400: 1 }, lastProblem: 'no' }).length, 1);
  assert.deepEqual(look({ accepted: 3 }), []);
  assert.deepEqual(look({ accepted: 3 }, 'thanos'), []);
  assert.equal(look({ accepted: 900, rejected: { 400: 1 }, lastProblem: 'no' }).length, 1);
});
