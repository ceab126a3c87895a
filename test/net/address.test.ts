import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPoints, findAddress } from '../../src/net/address.ts';
import type { Lookup, Resolver } from '../../src/net/resolve.ts';
import type { Address } from '../../src/protocol/ip-address.ts';
import { testContext } from '../servers/context.ts';

const v4: Address = { ip: '192.0.2.1', family: 4 };
const v6: Address = { ip: '2001:db8::1', family: 6 };
const other4: Address = { ip: '192.0.2.2', family: 4 };

/** Knows one host; keeps the families that it was asked for. */
const knowing = (found: Lookup, asked: (readonly (4 | 6)[])[] = []): Resolver => ({
  lookup: async (_, families) => {
    asked.push(families);
    return found.ok
      ? { ok: true, addresses: found.addresses.filter(({ family }) => families.includes(family)) }
      : found;
  },
  services: async () => ({ ok: true, places: [] }),
  [Symbol.asyncDispose]: async () => {},
});

const find = async (
  host: string,
  addresses: readonly Address[],
  settings: { preferred?: 'ip4' | 'ip6'; fallback?: boolean },
) => {
  await using context = testContext({ resolver: knowing({ ok: true, addresses }) });
  const { preferred = 'ip6', fallback = true } = settings;
  const found = await findAddress(host, { preferred_ip_protocol: preferred, ip_protocol_fallback: fallback }, context);
  return found.ok ? found.address.ip : found.failure.reason;
};

test('address: the first of the preferred family; with fallback, else the last of the other', async () => {
  assert.equal(await find('a', [v4, v6, other4], {}), v6.ip);
  assert.equal(await find('a', [v6, v4, other4], { preferred: 'ip4' }), v4.ip);
  assert.equal(await find('a', [v4, other4], {}), other4.ip);
  assert.equal(await find('a', [v4, other4], { fallback: false }), 'dns_no_address');
  assert.equal(await find('a', [], {}), 'dns_no_address');
});

test('address: without fallback only the preferred family is asked for', async () => {
  const asked: (readonly (4 | 6)[])[] = [];
  await using context = testContext({ resolver: knowing({ ok: true, addresses: [v4, v6] }, asked) });
  await findAddress('a', { preferred_ip_protocol: 'ip4', ip_protocol_fallback: false }, context);
  await findAddress('a', { preferred_ip_protocol: 'ip4', ip_protocol_fallback: true }, context);
  assert.deepEqual(
    asked.map((families) => [...families].sort()),
    [[4], [4, 6]],
  );
});

test('address: an address needs no lookup, and its family is respected', async () => {
  assert.equal(await find('198.51.100.7', [], {}), '198.51.100.7');
  assert.equal(await find('198.51.100.7', [], { fallback: false }), 'dns_no_address');
  assert.equal(await find('::1', [], { preferred: 'ip4' }), '::1');
});

test('address: a name that leads to a metadata address is refused, and the address is no fact', async () => {
  await using context = testContext({
    resolver: knowing({ ok: true, addresses: [{ ip: '::ffff:169.254.169.254', family: 6 }] }),
  });
  const found = await findAddress(
    'rebound.example',
    { preferred_ip_protocol: 'ip6', ip_protocol_fallback: true },
    context,
  );
  assert.ok(!found.ok && found.failure.reason === 'blocked_address');
  assert.equal(found.facts.ip, undefined);
});

test('address: a lookup that the time limit ends gives reason dns_timeout', async () => {
  await using context = testContext({
    resolver: knowing({ ok: false, failure: { reason: 'dns_server_failure', phase: 'resolve', detail: '' } }),
  });
  context.abort();
  const found = await findAddress('a', { preferred_ip_protocol: 'ip6', ip_protocol_fallback: true }, context);
  assert.ok(!found.ok && found.failure.reason === 'dns_timeout');
});

test('address: points are there from the lookup on, with zeros when it failed', () => {
  const values = (facts: Parameters<typeof addressPoints>[0]) =>
    addressPoints(facts).map(({ metric, value }) => [metric.name, value]);
  assert.deepEqual(values({}), []);
  const expected = (protocol: number, hash: number) => [
    ['probe_dns_lookup_time_seconds', 0.5],
    ['probe_ip_protocol', protocol],
    ['probe_ip_addr_hash', hash],
  ];
  assert.deepEqual(values({ lookupSeconds: 0.5 }), expected(0, 0));
  assert.deepEqual(values({ lookupSeconds: 0.5, ip: '127.0.0.1', family: 4 }), expected(4, 3668918509));
});
