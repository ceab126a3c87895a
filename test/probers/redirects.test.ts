import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { z } from 'zod';
import { kit as makeKit } from '../../src/net/kit.ts';
import { type Resolver, resolver } from '../../src/net/resolve.ts';
import { http } from '../../src/probers/http/http.ts';
import { issue } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { a, dnsServer, zone } from '../servers/dns.ts';
import { type Arrived, type Origins, origins, type Respond } from '../servers/origins.ts';

const names = ['a.test', 'sub.a.test', 'b.test'];

/** A canary for each way to send a secret; each is sent to the target's own origin and must be seen nowhere else. */
const canaries = {
  basic: 'canary-basic-1f',
  header: 'canary-header-2f',
  literalHeader: 'canary-literal-3f',
  cookie: 'canary-cookie-4f',
  secrets: 'canary-secrets-5f',
  values: 'canary-values-6f',
  file: 'canary-file-7f',
  certificate: 'canary-certificate-8f',
  body: 'canary-body-9f',
} as const;

const identity = await issue({ subject: `CN=${canaries.certificate}` });

type Given = z.input<typeof http.settings>;

const settingsFor = (file: string, more: Given): Given => ({
  preferred_ip_protocol: 'ip4',
  basic_auth: { username: 'ann', password: { secret: 'env:BASIC' } },
  headers: { 'X-Any': { secret: 'env:HEADER' }, 'X-Api-Key': canaries.literalHeader, Cookie: `own=${canaries.cookie}` },
  http_headers: {
    'X-More': { secrets: [{ secret: 'env:SECRETS' }], files: [file] },
    'X-Auth-Token': { values: [canaries.values] },
  },
  ...more,
  tls_config: { insecure_skip_verify: true, cert: identity.cert, key: identity.key },
});

const environment = { BASIC: canaries.basic, HEADER: canaries.header, SECRETS: canaries.secrets };

/** What a request gives away: the names of the canaries in it. */
const seenIn = ({ all }: Arrived): readonly string[] =>
  Object.entries(canaries)
    .filter(([, canary]) => all.includes(canary) || all.includes(Buffer.from(`ann:${canary}`).toString('base64')))
    .map(([name]) => name);

type World = {
  readonly servers: Origins;
  readonly resolver: Resolver;
  readonly file: string;
  readonly origins: readonly string[];
};

/** Ports at two addresses, three names of one of them, and both schemes at each port. */
const world = async (respond: Respond, stack: AsyncDisposableStack): Promise<World> => {
  const servers = stack.use(await origins(['127.0.0.1', '127.0.0.1', '127.0.0.2'], names, respond));
  const reply = zone(Object.fromEntries(names.map((name) => [name, [a('127.0.0.1')]])));
  const dns = stack.use(await dnsServer({ reply }));
  const folder = await mkdtemp(join(tmpdir(), 'bothways-redirects-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  await writeFile(file, `${canaries.file}\n`);
  const [first = 0, second = 0, third = 0] = servers.ports;
  const places = [
    ...['127.0.0.1', ...names].flatMap((host) => [`${host}:${first}`, `${host}:${second}`]),
    `127.0.0.2:${third}`,
  ];
  return {
    servers,
    resolver: resolver({ servers: [`127.0.0.1:${dns.port}`], search: [], hostsFile: '/nonexistent' }),
    file,
    origins: places.flatMap((place) => [`http://${place}`, `https://${place}`]),
  };
};

type Hop = { readonly status: number; readonly to: number; readonly userInfo: boolean };

const chainOf = fc.record({
  start: fc.nat(),
  hops: fc.array(
    fc.record({ status: fc.constantFrom(301, 302, 303, 307, 308), to: fc.nat(), userInfo: fc.boolean() }),
    { minLength: 1, maxLength: 5 },
  ),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  withBody: fc.boolean(),
  http2: fc.boolean(),
});

/** Half of the hops stay, or only change scheme, port or name: far places are easy to tell apart. */
const nextOrigin = (from: string, { to }: Hop, all: readonly string[]): string => {
  if (to % 4 === 0) return from;
  if (to % 4 === 1) return from.startsWith('https') ? from.replace('https', 'http') : from.replace('http', 'https');
  return all[to % all.length] ?? from;
};

/** What is promised, told once more: the places at which credentials and body may arrive, hop by hop. */
const promised = (path: readonly string[], hops: readonly Hop[], withBody: boolean) => {
  let home: string | undefined = path[0];
  let body = withBody;
  const arrivals = [{ credentials: true, body }];
  for (const [index, { status }] of hops.entries()) {
    const next = path[index + 1] ?? '';
    if (next !== home && next !== home?.replace(/^http:/, 'https:')) home = undefined;
    else home = next;
    if (status < 307) body = false;
    if (body && home === undefined) return { arrivals, refused: true };
    arrivals.push({ credentials: home !== undefined, body });
  }
  return { arrivals, refused: false };
};

test("http: over any chain of redirects, credentials, body and client certificate are seen by the target's own origin alone", async () => {
  const plans = new Map<string, { readonly hops: readonly Hop[]; readonly path: readonly string[] }>();
  const respond: Respond = ({ path }, response) => {
    const [, id = '', step = ''] = path.split('/');
    const plan = plans.get(id);
    const hop = plan?.hops[Number(step)];
    const next = plan?.path[Number(step) + 1];
    if (hop === undefined || next === undefined) return void response.writeHead(200).end('end');
    const place = hop.userInfo ? next.replace('://', '://eve:chosen-by-the-peer@') : next;
    response.writeHead(hop.status, { Location: `${place}/${id}/${Number(step) + 1}`, 'Set-Cookie': 'theirs=1' }).end();
  };
  await using stack = new AsyncDisposableStack();
  const { servers, resolver: names, file, origins: all } = await world(respond, stack);
  await using kit = makeKit({ environment, resolver: names });
  let left = 0;
  let number = 0;
  await fc.assert(
    fc.asyncProperty(chainOf, async ({ start, hops, method, withBody, http2 }) => {
      const id = String(number);
      number += 1;
      const path = [all[start % all.length] ?? ''];
      for (const hop of hops) path.push(nextOrigin(path.at(-1) ?? '', hop, all));
      plans.set(id, { hops, path });
      const body = withBody && method !== 'GET';
      const given = settingsFor(file, { method, enable_http2: http2, ...(body ? { body: canaries.body } : {}) });
      await using context = testContext({ kit, timeoutMs: 60_000 });
      const { failures } = await http.probe(`${path[0]}/${id}/0`, http.settings.parse(given), context);
      const arrived = servers.arrived.splice(0);
      const { arrivals, refused } = promised(path, hops, body);
      assert.deepEqual(
        failures.map(({ reason }) => reason),
        refused ? ['redirect_refused'] : [],
      );
      assert.deepEqual(
        arrived.map(({ origin }) => origin),
        path.slice(0, arrivals.length),
      );
      for (const [index, one] of arrived.entries()) {
        const may = arrivals[index];
        const secure = one.origin.startsWith('https:');
        const expected = Object.keys(canaries).filter((name) => {
          if (name === 'body') return may?.body === true;
          return may?.credentials === true && (name !== 'certificate' || secure);
        });
        assert.deepEqual(seenIn(one), expected, `hop ${index} of ${path.join(' -> ')}`);
        assert.doesNotMatch(one.all, /chosen-by-the-peer|ZXZl|"referer"/i);
      }
      if (arrivals.some(({ credentials }) => !credentials) || refused) left += 1;
    }),
    { numRuns: 200 },
  );
  assert.ok(left > 20, `only ${left} chains left the origin`);
});

test('http: A to B and back to A sends no credentials again, and a body no further than A, with reason redirect_refused', async () => {
  for (const status of [307, 308]) {
    await using stack = new AsyncDisposableStack();
    const {
      servers,
      resolver: names,
      file,
      origins: all,
    } = await world(({ origin, path }, response) => {
      const { ports } = servers;
      const there = `http://b.test:${ports[1]}`;
      const next = path === '/' ? `${there}/b` : origin === there ? `http://a.test:${ports[0]}/admin` : undefined;
      if (next === undefined) response.writeHead(401).end();
      else response.writeHead(status, { Location: next }).end();
    }, stack);
    assert.ok(all.length > 0);
    const at = async (more: Given) => {
      await using context = testContext({ environment, resolver: names });
      const settings = http.settings.parse(settingsFor(file, more));
      const outcome = await http.probe(`http://a.test:${servers.ports[0]}/`, settings, context);
      return { ...outcome, arrived: servers.arrived.splice(0) };
    };
    const without = await at({ method: 'POST' });
    assert.deepEqual(
      without.arrived.map(({ method, path }) => `${method} ${path}`),
      ['POST /', 'POST /b', 'POST /admin'],
    );
    assert.deepEqual(
      without.arrived.map((one) => seenIn(one).length > 0),
      [true, false, false],
    );
    assert.match(
      without.failures[0]?.detail ?? '',
      /^the status is 401, .*; credentials were left behind, since a redirect led away from http:\/\/a\.test:\d+$/,
    );
    const withBody = await at({ method: 'POST', body: 'data' });
    assert.deepEqual(
      withBody.arrived.map(({ path }) => path),
      ['/'],
    );
    assert.deepEqual(
      withBody.failures.map(({ reason }) => reason),
      ['redirect_refused'],
    );
    assert.match(
      withBody.failures[0]?.detail ?? '',
      /^status 30[78] would send the body of the request to http:\/\/b\.test:\d+; /,
    );
  }
});
