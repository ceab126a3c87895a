import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { askByUdp } from '../../src/net/dns-exchange.ts';
import { dns } from '../../src/probers/dns/dns.ts';
import { testContext } from '../servers/context.ts';

const question = { name: 'example.org.', type: 1, class: 1 };
const query = { id: 7, question, bytes: Buffer.alloc(12) };

test('dns exchange: an address that the system refuses gives a failure over UDP, and nothing escapes', async () => {
  for (const ip of ['255.255.255.255', 'fe80::1', '::ffff:255.255.255.255']) {
    await using context = testContext();
    const answered = await askByUdp({ ip, port: 53 }, query, { signal: context.signal, now: context.mark });
    assert.equal(answered.ok ? '' : answered.failure.reason, 'unreachable', ip);
    // Without an address to connect to nothing was sent.
    assert.equal('sentAt' in answered, false, ip);
  }
});

test('dns exchange: a limit that ends while the socket is being opened closes it once', async () => {
  for (const ip of ['255.255.255.255', '127.0.0.1']) {
    await using context = testContext();
    const asking = askByUdp({ ip, port: 53 }, query, { signal: context.signal, now: context.mark });
    context.abort();
    assert.equal((await asking).ok, false);
    await turn();
  }
});

test('dns: a target at the broadcast address gives reason unreachable', async () => {
  await using context = testContext();
  const outcome = await dns.probe('255.255.255.255', dns.settings.parse({ query_name: 'example.org' }), context);
  assert.deepEqual(
    outcome.failures.map(({ reason }) => reason),
    ['unreachable'],
  );
});
