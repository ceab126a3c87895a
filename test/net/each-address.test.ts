import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolver } from '../../src/net/resolve.ts';
import { http } from '../../src/probers/http/http.ts';
import { tcp } from '../../src/probers/tcp/tcp.ts';
import { testContext } from '../servers/context.ts';
import { a, dnsServer, zone } from '../servers/dns.ts';
import { answer, httpServer } from '../servers/http.ts';
import { pointsOf } from '../servers/points.ts';

/** A context whose names come from a server of the test. */
const contextWith = async (addresses: readonly string[], stack: AsyncDisposableStack) => {
  const dns = stack.use(await dnsServer({ reply: zone({ 'shop.test': addresses.map(a) }) }));
  const own = resolver({ servers: [`127.0.0.1:${dns.port}`], search: [], ndots: 1, hostsFile: '/nonexistent' });
  return { context: stack.use(testContext({ resolver: own, timeoutMs: 5_000 })), dns };
};

test('each address: one that fails fails the run, and each has its result', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await httpServer(({ headers }) => answer(200, {}, headers.get('host') ?? '')));
  // Nothing listens on 127.0.0.2.
  const { context, dns } = await contextWith(['127.0.0.1', '127.0.0.2'], stack);
  const url = `http://shop.test:${server.port}`;
  const settings = http.settings.parse({ addresses: 'all', fail_if_body_not_matches_regexp: ['^shop.test:'] });
  const outcome = await http.probe(url, settings, context);
  assert.deepEqual(
    outcome.failures.map(({ reason }) => reason),
    ['connect_refused'],
  );
  assert.match(outcome.failures[0]?.detail ?? '', /^127\.0\.0\.\d: ECONNREFUSED|^ECONNREFUSED/);
  const points = pointsOf(http, outcome, url);
  assert.equal(points.get('probe_address_success{address="127.0.0.1"}'), 1);
  assert.equal(points.get('probe_address_success{address="127.0.0.2"}'), 0);
  assert.equal(dns.asked.filter(({ type }) => type === 1).length, 1, 'one lookup for all');
});

test('each address: all that succeed are a success, and there are at most 16', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await httpServer());
  const { context } = await contextWith(
    Array.from({ length: 20 }, () => '127.0.0.1'),
    stack,
  );
  const target = `shop.test:${server.port}`;
  const outcome = await tcp.probe(target, tcp.settings.parse({ addresses: 'all' }), context);
  assert.deepEqual(outcome.failures, []);
  assert.deepEqual(outcome.facts.each, [{ ip: '127.0.0.1', ok: true }]);
});

test('each address: connect_to takes the place of the lookup, and the name stays in the request', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await httpServer());
  const { context, dns } = await contextWith(['192.0.2.1'], stack);
  for (const host of ['shop.test', '192.0.2.9']) {
    const outcome = await http.probe(
      `http://${host}:${server.port}`,
      http.settings.parse({ connect_to: '127.0.0.1' }),
      context,
    );
    assert.deepEqual(outcome.failures, []);
    assert.equal(outcome.facts.address?.ip, '127.0.0.1');
    assert.equal(server.requests.at(-1)?.headers.get('host'), `${host}:${server.port}`);
  }
  assert.equal(dns.asked.length, 0);
});

test('each address: an address that may not be probed is refused for connect_to, and left out of all', async () => {
  await using stack = new AsyncDisposableStack();
  const { context } = await contextWith(['169.254.169.254', '127.0.0.1'], stack);
  const pinned = await http.probe('http://shop.test', http.settings.parse({ connect_to: '169.254.169.254' }), context);
  assert.deepEqual(
    pinned.failures.map(({ reason }) => reason),
    ['blocked_address'],
  );
  const server = stack.use(await httpServer());
  const all = await tcp.probe(`shop.test:${server.port}`, tcp.settings.parse({ addresses: 'all' }), context);
  assert.deepEqual(all.facts.each, [{ ip: '127.0.0.1', ok: true }]);
});

test('each address: a run that ends before its lookup ends all the same', async () => {
  await using stack = new AsyncDisposableStack();
  const { context } = await contextWith(['127.0.0.1'], stack);
  const settings = http.settings.parse({
    addresses: 'all',
    basic_auth: { username: 'u', password: { secret: 'env:NONE' } },
  });
  const outcome = await http.probe('http://shop.test', settings, context);
  assert.deepEqual(
    outcome.failures.map(({ reason }) => reason),
    ['secret_unavailable'],
  );
});
