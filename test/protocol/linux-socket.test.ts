import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressBytes, addressText } from '../../src/protocol/ip-address.ts';
import {
  addressIn,
  emptyControl,
  isSameAddress,
  origins,
  readControl,
  readTime,
  socketAddress,
} from '../../src/protocol/linux-socket.ts';

const bytesOf = (address: string) => addressBytes(address) ?? assert.fail(address);

/** A control message as the kernel lays it out. */
const control = (level: number, type: number, data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array((16 + data.length + 7) & ~7);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 16 + data.length, true);
  view.setInt32(8, level, true);
  view.setInt32(12, type, true);
  bytes.set(data, 16);
  return bytes;
};

const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

const time = (seconds: number, nanoseconds: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(48));
  view.setUint32(0, seconds, true);
  view.setUint32(8, nanoseconds, true);
  return new Uint8Array(view.buffer);
};

const number = (value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4));
  view.setInt32(0, value, true);
  return new Uint8Array(view.buffer);
};

test('linux-socket: a stamp, a hop limit and an error with its offender are read', () => {
  const error = joined(
    Uint8Array.of(113, 0, 0, 0, 2, 11, 0, 0, 0x78, 5, 0, 0, 7, 0, 0, 0),
    socketAddress(bytesOf('192.0.2.7'), 0),
  );
  const bytes = joined(control(1, 37, time(1_000, 5)), control(0, 2, number(58)), control(0, 11, error));
  const view = new DataView(bytes.buffer);
  const into = emptyControl();
  readControl(view, 0, bytes.length, 990, into);
  assert.equal(into.stamp, 10e9 + 5);
  assert.equal(into.hopLimit, 58);
  assert.deepEqual([into.origin, into.errno, into.type, into.code, into.info, into.data], [2, 113, 11, 0, 1400, 7]);
  assert.equal(addressText(addressIn(view, into.offenderAt)), '192.0.2.7');
});

test('linux-socket: what the record held before is gone when the next message says less', () => {
  const into = emptyControl();
  const full = joined(control(41, 52, number(64)), control(41, 25, new Uint8Array(16).fill(origins.icmp6)));
  readControl(new DataView(full.buffer), 0, full.length, 0, into);
  assert.deepEqual([into.hopLimit, into.origin, into.offenderAt], [64, origins.icmp6, -1]);
  readControl(new DataView(new ArrayBuffer(0)), 0, 0, 0, into);
  assert.deepEqual([into.hopLimit, into.origin, Number.isNaN(into.stamp)], [-1, 0, true]);
});

test('linux-socket: an address of each family goes in and out, and is compared without its port', () => {
  for (const address of ['192.0.2.1', '2001:db8::1', 'fe80::1']) {
    const one = socketAddress(bytesOf(address), 80, 3);
    const other = socketAddress(bytesOf(address), 443, 3);
    const view = new DataView(one.buffer);
    assert.equal(addressText(addressIn(view, 0)), address);
    assert.ok(isSameAddress(view, 0, other));
    assert.ok(!isSameAddress(view, 0, socketAddress(bytesOf('192.0.2.2'), 80)));
    assert.ok(!isSameAddress(view, 1, other));
  }
  assert.equal(addressIn(new DataView(new ArrayBuffer(1)), 0).length, 0);
});

test('linux-socket: nanoseconds stay exact for a hundred days', () => {
  const view = new DataView(time(100 * 86_400, 999_999_999).buffer);
  assert.equal(readTime(view, 0, 0), 100 * 86_400 * 1e9 + 999_999_999);
});

test('linux-socket: a million random control areas make nothing throw and point nowhere outside', () => {
  const area = new Uint8Array(256);
  const view = new DataView(area.buffer);
  const into = emptyControl();
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed >>> 8;
  };
  for (let round = 0; round < 1_000_000; round += 1) {
    // Each round changes a few bytes, often those of lengths, levels and types.
    for (let change = 0; change < 4; change += 1)
      area[random() % 256] = random() % 3 === 0 ? random() & 0xff : random() % 48;
    if (round % 7 === 0) area[(random() % 16) * 16] = 16 + (random() % 40);
    const start = random() % 64;
    readControl(view, start, random() % 300, 0, into);
    if (into.offenderAt < 0) continue;
    const end = into.offenderAt + addressIn(view, into.offenderAt).length;
    if (into.offenderAt < start || end > area.length) assert.fail(`round ${round}: ${into.offenderAt}`);
  }
});
