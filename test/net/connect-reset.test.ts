import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { connectTcp } from '../../src/net/connect.ts';
import { testContext } from '../servers/context.ts';

/** Accepts and resets at once, in a thread of its own, and says when it has. */
const resettingServer = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => {
    socket.resetAndDestroy();
    Atomics.store(workerData, 0, 1);
    Atomics.notify(workerData, 0);
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

test('connect: a reset before we saw the connection gives reason connect_reset', async () => {
  const wasReset = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(resettingServer, { eval: true, workerData: wasReset });
  try {
    const [port] = await once(worker, 'message');
    await using context = testContext();
    const dialled = connectTcp({ ip: '127.0.0.1', port }, context);
    // The system connects in the next tick; the loop must not look before the reset is there.
    process.nextTick(() => Atomics.wait(wasReset, 0, 0, 5_000));
    const result = await dialled;
    assert.equal(result.ok, false);
    assert.equal(result.ok || result.failure.reason, 'connect_reset');
    assert.equal(result.ok || result.failure.phase, 'connect');
  } finally {
    await worker.terminate();
  }
});
