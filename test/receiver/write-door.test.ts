import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { gauge } from '../../src/kernel/metric.ts';
import { allLabels } from '../../src/kernel/sample.ts';
import { compress } from '../../src/protocol/snappy.ts';
import { writeRequest } from '../../src/protocol/write-request.ts';
import type { Observation } from '../../src/receiver/board.ts';
import { takeWriteRequest } from '../../src/receiver/write-door.ts';

const door = async () => {
  const seen: Observation[] = [];
  const server = createServer((request, response) => {
    void takeWriteRequest(request, response, (samples) => void seen.push(...samples));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // safe: a listening TCP server has an address of this type
  const { port } = server.address() as AddressInfo;
  const send = async (body: Uint8Array, encoding = 'snappy') => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: new Blob([new Uint8Array(body)]),
      headers: { 'content-encoding': encoding },
    });
    return { status: answer.status, text: await answer.text() };
  };
  return {
    seen,
    send,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const metric = gauge('probe_success', 'Whether the probe succeeded.');
const series = { metric, labels: [['name', 'shop']] as const };

test('write door: what our own encoder sends arrives, stale markers included', async () => {
  await using receiver = await door();
  const request = writeRequest([
    { series, at: 1_000, value: 1 },
    { series, at: 2_000, value: 'stale' },
  ]);
  assert.equal((await receiver.send(compress(request))).status, 204);
  assert.deepEqual(
    receiver.seen.map(({ at, value }) => [at, value]),
    [
      [1_000, 1],
      [2_000, 'stale'],
    ],
  );
  assert.deepEqual(receiver.seen[0]?.labels, allLabels(series));
});

test('write door: other encodings, rubbish and too much are refused with a reason, and nothing is taken', async () => {
  await using receiver = await door();
  const rubbish = new TextEncoder().encode('rubbish');
  assert.equal((await receiver.send(rubbish, 'gzip')).status, 415);
  assert.match((await receiver.send(rubbish)).text, /cannot be unpacked/);
  const noRequest = await receiver.send(compress(Uint8Array.of(0x0a, 0x7f, 0x01)));
  assert.equal(noRequest.status, 400);
  assert.match(noRequest.text, /no WriteRequest/);
  const large = await receiver.send(new Uint8Array(9 * 1_024 * 1_024)).catch(() => ({ status: 413 }));
  assert.equal(large.status, 413);
  assert.equal((await receiver.send(compress(new Uint8Array(40 * 1_024 * 1_024)))).status, 400);
  assert.deepEqual(receiver.seen, []);
});
