import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pending } from '../../../src/net/icmp/pending.ts';
import { deadlines, noteSending, roundTrip } from '../../../src/net/icmp/pending.ts';
import { slots } from '../../../src/net/icmp/slots.ts';

const pending = (times: Partial<Pending> = {}): Pending => ({
  request: { address: '192.0.2.1', protocol: 'icmp', timeoutMs: 1_000 },
  to: new Uint8Array(16),
  source: undefined,
  tokenHigh: 1,
  tokenLow: 2,
  home: undefined,
  track: undefined,
  before: undefined,
  after: undefined,
  key: 0,
  packet: 0,
  sentAt: 100,
  sentWall: 5e9,
  leftAt: Number.NaN,
  state: 'waiting',
  settle: () => {},
  ...times,
});

test("icmp round trip: the kernel's stamps are taken, one of them, or none", () => {
  assert.deepEqual(roundTrip(pending({ leftAt: 5.001e9 }), 5.003e9, 110), {
    ns: 2e6,
    clock: 'kernel',
    isStepped: false,
  });
  assert.deepEqual(roundTrip(pending(), 5.003e9, 110), { ns: 3e6, clock: 'mixed', isStepped: false });
  assert.deepEqual(roundTrip(pending(), Number.NaN, 110), { ns: 10e6, clock: 'monotonic', isStepped: false });
});

test('icmp round trip: a clock that was set while a packet was under way is found out, forwards and backwards', () => {
  const stepped = { ns: 10e6, clock: 'monotonic', isStepped: true };
  assert.deepEqual(roundTrip(pending({ leftAt: 5e9 }), 4e9, 110), stepped);
  assert.deepEqual(roundTrip(pending({ leftAt: 5e9 }), 3_605e9, 110), stepped);
});

test('icmp round trip: a process that is held up while it notes the time has not seen a clock set', () => {
  const wall = () => (performance.timeOrigin + performance.now()) * 1e6;
  const heldUp = () => {
    const read = wall();
    while (wall() < read + 3e6);
    return read;
  };
  const held = pending();
  noteSending(held, heldUp);
  assert.equal(roundTrip(held, wall(), performance.now()).isStepped, false);
});

test('icmp slots: stamps find their packets, also when the kernel has counted one that it refused', () => {
  const table = slots();
  const sent = [1, 2, 3].map((serial) => pending({ sentWall: serial * 1e6 }));
  for (const each of sent) {
    assert.ok(table.number(each));
    table.sent(each);
  }
  table.left(0, 1.5e6);
  // The second packet has the number 2, since a refused one had 1.
  table.left(2, 2.5e6);
  table.left(3, 3.5e6);
  assert.deepEqual(
    sent.map(({ leftAt }) => leftAt),
    [1.5e6, 2.5e6, 3.5e6],
  );
});

test('icmp slots: a number is not given out twice while its packet is under way, and all may be taken', () => {
  const table = slots();
  const all = Array.from({ length: 65_536 }, () => pending());
  for (const each of all) {
    assert.ok(table.number(each));
    table.sent(each);
  }
  assert.equal(new Set(all.map(({ key }) => key)).size, 65_536);
  assert.equal(table.number(pending()), false);
  const [first] = all;
  if (first === undefined) return;
  first.state = 'answered';
  table.ended(first);
  const next = pending();
  assert.ok(table.number(next));
  assert.equal(next.key, first.key);
});

test('icmp slots: of a probe that has ended a late answer finds what it needs, and after a while nothing is kept', () => {
  const table = slots();
  const onLater = () => {};
  const request = { address: '192.0.2.1', protocol: 'icmp', timeoutMs: 1_000, payloadBytes: 28, onLater } as const;
  const all = Array.from({ length: 10_000 }, (_, index) => pending({ request, tokenLow: index, state: 'over' }));
  for (const each of all) {
    table.number(each);
    table.sent(each);
    table.ended(each);
  }
  assert.ok(table.kept() >= 10_000 && table.kept() < 11_000, String(table.kept()));
  const [first] = all;
  const found = table.at(first?.key ?? -1);
  assert.notEqual(found, first);
  assert.deepEqual([found?.state, found?.tokenHigh, found?.tokenLow, found?.request.payloadBytes], ['over', 1, 0, 28]);
  assert.equal(found?.request.onLater, onLater);
  table.forget(performance.now() + 60_000);
  assert.equal(table.kept(), 0);
  assert.equal(table.at(first?.key ?? -1), undefined);
});

test('icmp deadlines: what has its verdict is let go, also in the middle, and the rest is overdue in its order', async () => {
  const over = Promise.withResolvers<void>();
  const overdue: Pending[] = [];
  const request = { address: '192.0.2.1', protocol: 'icmp', timeoutMs: 30 } as const;
  const all = Array.from({ length: 6 }, () => pending({ request, sentAt: performance.now() }));
  const [a, b, c, d, e, f] = all;
  const clock = deadlines(
    () => {},
    (each) => {
      overdue.push(each);
      if (each === e) over.resolve();
    },
  );
  for (const each of all) clock.add(each);
  for (const each of [a, c, d, f, c]) if (each !== undefined) clock.remove(each);
  await over.promise;
  assert.deepEqual(overdue, [b, e]);
  assert.ok(all.every(({ before, after }) => before === undefined && after === undefined));
  assert.deepEqual(clock.close(), []);
});

test('icmp deadlines: closing gives back those that still wait', () => {
  const clock = deadlines(
    () => {},
    () => {},
  );
  const all = [1, 2, 3].map((timeoutMs) =>
    pending({ request: { address: '::1', protocol: 'icmp', timeoutMs: timeoutMs * 1e6 } }),
  );
  for (const each of all) clock.add(each);
  assert.deepEqual(clock.close(), all);
});
