import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checksum,
  errorKind,
  errorText,
  icmpTypes,
  ip4HeaderLength,
  readEcho,
  writeEchoRequest,
} from '../../src/protocol/icmp-packet.ts';

const viewOf = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);

test('icmp-packet: the checksum is the one of RFC 1071, section 3', () => {
  assert.equal(checksum(viewOf(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7), 0, 8), 0xffff & ~0xddf2);
  assert.equal(checksum(viewOf(0x01), 0, 1), 0xffff & ~0x0100);
});

test('icmp-packet: an echo request reads back as it was written, in both families', () => {
  for (const family of [4, 6] as const) {
    const view = new DataView(new ArrayBuffer(20));
    writeEchoRequest(view, 4, family, 0x1234, 0xfffe);
    assert.deepEqual(readEcho(view, 4, 20, icmpTypes[family].echoRequest), {
      id: 0x1234,
      sequence: 0xfffe,
      payloadAt: 12,
    });
    assert.equal(readEcho(view, 4, 20, icmpTypes[family].echoReply), undefined);
    assert.equal(readEcho(view, 4, 11, icmpTypes[family].echoRequest), undefined);
  }
});

test('icmp-packet: the header of IPv4 is as long as it says, and not longer than what is there', () => {
  const header = (first: number) => viewOf(first, ...new Array<number>(39).fill(0));
  assert.equal(ip4HeaderLength(header(0x45), 0, 40), 20);
  assert.equal(ip4HeaderLength(header(0x4a), 0, 40), 40);
  for (const first of [0x4f, 0x44, 0x65]) assert.equal(ip4HeaderLength(header(first), 0, 40), undefined);
});

test('icmp-packet: errors have kinds and words', () => {
  assert.equal(errorKind(4, 11, 0), 'hop');
  assert.equal(errorKind(6, 3, 0), 'hop');
  assert.equal(errorKind(4, 3, 3), 'port');
  assert.equal(errorKind(6, 1, 4), 'port');
  assert.equal(errorKind(4, 3, 4), 'too_big');
  assert.equal(errorKind(6, 2, 0), 'too_big');
  assert.equal(errorKind(4, 3, 13), 'unreachable');
  assert.equal(errorKind(4, 12, 0), 'other');
  assert.equal(errorText(4, 3, 1), 'host unreachable (type 3, code 1)');
  assert.equal(errorText(4, 3, 99), 'unreachable (type 3, code 99)');
  assert.equal(errorText(6, 1, 1), 'communication prohibited (type 1, code 1)');
  assert.equal(errorText(4, 11, 0), 'time to live exceeded (type 11, code 0)');
  assert.equal(errorText(6, 2, 0), 'packet too big (type 2, code 0)');
});

test('icmp-packet: no bytes make a reader throw or point outside of them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: -4, max: 80 }), (bytes, at) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const type of [0, 8, 128, 129]) {
        const echo = readEcho(view, at, bytes.length, type);
        if (echo !== undefined) assert.ok(echo.payloadAt <= bytes.length);
      }
      const length = ip4HeaderLength(view, at, bytes.length);
      if (length !== undefined) assert.ok(at + length <= bytes.length);
    }),
    { numRuns: 20_000 },
  );
});
