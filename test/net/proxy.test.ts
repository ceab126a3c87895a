import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { test } from 'node:test';
import { createServer as createTlsServer, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { codeOf } from '../../src/net/failure.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { proxyFor, proxyProblem, tunnel } from '../../src/net/proxy.ts';
import { within } from '../../src/net/within.ts';
import { remoteWrite, remoteWriteSettings } from '../../src/sinks/remote-write.ts';
import { chain, issue } from '../servers/certificates.ts';
import { proxyServer } from '../servers/proxy.ts';
import { listening, tcpServer } from '../servers/tcp.ts';

test('proxy: it is that of HTTPS_PROXY for https, unless NO_PROXY names the host', () => {
  const of = (url: string, no = '', proxy = 'http://proxy:3128') =>
    proxyFor(url, { HTTPS_PROXY: proxy, NO_PROXY: no })?.host;
  assert.equal(of('https://a.example.com/'), 'proxy:3128');
  assert.equal(of('https://a.example.com/', '', 'proxy:3128'), 'proxy:3128');
  assert.equal(of('http://a.example.com/'), undefined);
  assert.equal(of('nonsense'), undefined);
  assert.equal(of('https://a.example.com/', '', ''), undefined);
  for (const no of ['*', '.example.com', 'x, a.example.com:443'])
    assert.equal(of('https://a.example.com/', no), undefined, no);
  assert.equal(of('https://a.example.com/', 'a.example.com:8443'), 'proxy:3128');
  assert.equal(of('https://a.example.com:8443/', 'a.example.com:8443'), undefined);
  assert.equal(of('https://[fd00::1]/', '10.0.0.0/8, fd00::/8'), undefined);
  assert.equal(of('https://localhost/'), undefined);
  assert.equal(
    proxyFor('https://a/', { https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:1' })?.host,
    'lower:1',
  );
});

test('proxy: one that cannot be used is said without its password, and stops what would go through it, and that alone', async () => {
  const kinds = { 'socks5://ann:canary@x:1080': /speaks socks5/, 'ann:canary@no such host': /is no URL of a proxy/ };
  for (const [written, said] of Object.entries(kinds)) {
    const environment = { HTTPS_PROXY: written, NO_PROXY: 'b.example.com' };
    assert.match(proxyProblem(environment) ?? '', said);
    assert.throws(() => proxyFor('https://a.example.com/', environment), { code: 'PROXY_UNUSABLE', message: said });
    for (const url of ['http://a.example.com/', 'https://b.example.com/', 'https://127.0.0.1/'])
      assert.equal(proxyFor(url, environment), undefined, url);
    await using there = await world();
    const receipt = await there.push(written);
    assert.equal(receipt.kind, 'pause');
    assert.match(receipt.why ?? '', said);
    assert.doesNotMatch(`${receipt.why} ${proxyProblem(environment)}`, /canary/);
    assert.equal(there.pushes(), 0);
  }
  assert.equal(proxyProblem({}), undefined);
  assert.equal(proxyProblem({ https_proxy: 'proxy:3128', HTTPS_PROXY: 'socks5://x' }), undefined);
});

/** A receiver behind TLS, and what becomes of a push to it by way of a proxy. */
const world = async (answer?: Parameters<typeof proxyServer>[0]) => {
  const stack = new AsyncDisposableStack();
  const { root, intermediate } = await chain();
  const leaf = await issue({ subject: 'CN=receiver', names: ['receiver.test'], issuer: intermediate });
  let pushes = 0;
  const server = createServer({ cert: leaf.cert + intermediate.cert, key: leaf.key }, (request, response) => {
    pushes += 1;
    request.resume().on('end', () => response.writeHead(204).end());
  });
  const { port } = stack.use(await listening(server));
  const proxy = stack.use(await proxyServer(answer));
  const push = async (
    given: string = proxy.url,
    { limit = '30s', signal = AbortSignal.timeout(15_000) }: { limit?: string; signal?: AbortSignal } = {},
  ) => {
    await using kit = makeKit({ environment: { HTTPS_PROXY: given } });
    const settings = remoteWriteSettings.parse({
      url: `https://receiver.test:${port}/`,
      remote_timeout: limit,
      tls_config: { ca: root.cert },
    });
    await using sink = remoteWrite(settings, kit);
    return await sink.send({ id: 'a', group: 'b', samples: [] }, 1, signal);
  };
  return { proxy, port, push, pushes: () => pushes, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

/** What a proxy does that falls silent, before its answer or in the middle of the handshake. */
const silences: Readonly<Record<string, Parameters<typeof proxyServer>[0]>> = {
  'before its answer': () => undefined,
  'after its answer': (_head, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    return undefined;
  },
};

for (const [when, answer] of Object.entries(silences)) {
  test(`proxy: one that is silent ${when} costs a push no more than its own limit, and leaves nothing open`, async () => {
    await using there = await world(answer);
    const receipt = await there.push(there.proxy.url, { limit: '300ms' });
    assert.deepEqual(receipt, { kind: 'retry', why: 'PROXY_TIMEOUT' });
    await there.proxy.allClosed();
  });

  test(`proxy: one that is silent ${when} does not hold a push that is stopped`, async () => {
    const stop = new AbortController();
    await using there = await world((head, socket) => {
      setImmediate(() => stop.abort());
      return answer?.(head, socket);
    });
    const receipt = await there.push(there.proxy.url, { signal: stop.signal });
    assert.deepEqual(receipt, { kind: 'retry', why: 'stopped' });
    await there.proxy.allClosed();
  });
}

test('proxy: undici is answered once, also when a proxy refuses and the connection to it closes', async () => {
  await using proxy = await proxyServer(() => 'HTTP/1.1 403 Forbidden\r\n\r\n');
  const codes: string[] = [];
  const first = Promise.withResolvers<void>();
  tunnel(new URL(proxy.url))({ hostname: 'receiver.test', port: '' }, (...[error]) => {
    codes.push(codeOf(error));
    first.resolve();
  });
  await first.promise;
  await proxy.allClosed();
  await new Promise(setImmediate);
  assert.deepEqual(codes, ['PROXY_REFUSED_403']);
});

test('proxy: a receiver that is silent in its handshake costs a push no more than its own limit, and leaves nothing open, without a proxy too', async () => {
  await using silent = await tcpServer();
  await using kit = makeKit();
  const settings = remoteWriteSettings.parse({ url: `https://127.0.0.1:${silent.port}/`, remote_timeout: '200ms' });
  const sink = remoteWrite(settings, kit);
  const receipt = await sink.send({ id: 'a', group: 'b', samples: [] }, 1, AbortSignal.timeout(5_000));
  assert.deepEqual(receipt, { kind: 'retry', why: 'no answer within 200 ms' });
  await sink[Symbol.asyncDispose]();
  // What is not connected yet is closed with the sink; undici alone would keep it for ten seconds.
  await within(AbortSignal.timeout(5_000), silent.allClosed());
});

test('proxy: what is pushed goes through it, is verified at its end, and sends who we are to the proxy alone', async () => {
  await using there = await world();
  const receipt = await there.push(there.proxy.url.replace('://', '://ann:canary@'));
  assert.equal(receipt.kind, 'accepted', JSON.stringify(receipt));
  assert.equal(there.pushes(), 1);
  const [head = ''] = there.proxy.asked;
  assert.match(
    head,
    new RegExp(`^CONNECT receiver.test:${there.port} HTTP/1\\.1\\r\\nHost: receiver.test:${there.port}\\r\\n`),
  );
  assert.match(head, /Proxy-Authorization: Basic YW5uOmNhbmFyeQ==/);
});

test('proxy: one that refuses, talks nonsense, closes or is away is said, without its password', async () => {
  const detail = async (answer: Parameters<typeof proxyServer>[0]) => {
    await using there = await world(answer);
    const receipt = await there.push(there.proxy.url.replace('://', '://ann:canary@'));
    assert.equal(there.pushes(), 0);
    assert.doesNotMatch(JSON.stringify(receipt), /canary|YW5u/);
    return JSON.stringify(receipt);
  };
  assert.match(await detail(() => 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'), /PROXY_REFUSED_407/);
  assert.match(await detail(() => 'SSH-2.0-OpenSSH\r\n\r\n'), /PROXY_NONSENSE/);
  assert.match(await detail(() => 'x'.repeat(20_000)), /PROXY_NONSENSE/);
  assert.match(
    await detail((_head, socket) => {
      socket.destroy();
      return undefined;
    }),
    /PROXY_CLOSED/,
  );
  await using there = await world();
  assert.match(JSON.stringify(await there.push('http://127.0.0.1:1')), /ECONNREFUSED/);
});

test('proxy: an IPv6 address stands between brackets in what it is asked for', async () => {
  await using proxy = await proxyServer(() => 'HTTP/1.1 403 Forbidden\r\n\r\n');
  const answered = Promise.withResolvers<void>();
  tunnel(new URL(proxy.url))({ hostname: '2001:db8::1', port: '8443' }, () => answered.resolve());
  await answered.promise;
  assert.match(proxy.asked[0] ?? '', /^CONNECT \[2001:db8::1\]:8443 HTTP\/1\.1\r\nHost: \[2001:db8::1\]:8443\r\n/);
});

test('proxy: a user name with a % is taken as it is written', async () => {
  await using there = await world();
  const receipt = await there.push(there.proxy.url.replace('://', '://a%n:100%@'));
  assert.equal(receipt.kind, 'accepted', JSON.stringify(receipt));
  const sent = /Basic (\S+)/.exec(there.proxy.asked[0] ?? '')?.[1] ?? '';
  assert.equal(Buffer.from(sent, 'base64').toString(), 'a%n:100%');
});

test('proxy: one behind TLS at an address is asked for by no name, which Node would warn of', async () => {
  const warnings: string[] = [];
  const note = ({ name, message }: Error) => warnings.push(`${name}: ${message}`);
  process.on('warning', note);
  const { root, intermediate, leaf } = await chain();
  const servers: (string | false | null)[] = [];
  const secure = createTlsServer({ cert: leaf.cert + intermediate.cert, key: leaf.key }, (socket) => {
    servers.push(socket.servername);
    socket.once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  });
  await using open = await listening(secure);
  await using there = await world();
  setDefaultCACertificates([root.cert]);
  const receipt = await there.push(`https://127.0.0.1:${open.port}`);
  setDefaultCACertificates(rootCertificates);
  await new Promise(setImmediate);
  process.off('warning', note);
  assert.deepEqual(receipt, { kind: 'retry', why: 'PROXY_REFUSED_403' });
  assert.deepEqual([servers, warnings], [[false], []]);
});

test('proxy: any status from 200 to 299 means that the way is open', async () => {
  await using there = await world(() => 'HTTP/1.1 204 No Content\r\n\r\n');
  const receipt = await there.push();
  assert.equal(receipt.kind, 'accepted', JSON.stringify(receipt));
});
