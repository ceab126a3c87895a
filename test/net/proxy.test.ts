import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { test } from 'node:test';
import { kit as makeKit } from '../../src/net/kit.ts';
import { proxyFor } from '../../src/net/proxy.ts';
import { remoteWrite, remoteWriteSettings } from '../../src/sinks/remote-write.ts';
import { chain } from '../servers/certificates.ts';
import { proxyServer } from '../servers/proxy.ts';
import { listening } from '../servers/tcp.ts';

test('proxy: it is that of HTTPS_PROXY for https, unless NO_PROXY names the host', () => {
  const of = (url: string, no = '', proxy = 'http://proxy:3128') =>
    proxyFor(url, { HTTPS_PROXY: proxy, NO_PROXY: no })?.host;
  assert.equal(of('https://a.example.com/'), 'proxy:3128');
  assert.equal(of('https://a.example.com/', '', 'proxy:3128'), 'proxy:3128');
  assert.equal(of('http://a.example.com/'), undefined);
  assert.equal(of('nonsense'), undefined);
  assert.equal(of('https://a.example.com/', '', 'socks5://x'), undefined);
  assert.equal(of('https://a.example.com/', '', ''), undefined);
  for (const no of ['*', 'example.com', '.example.com', '*.example.com', 'x, a.example.com', 'EXAMPLE.COM:443'])
    assert.equal(of('https://a.example.com/', no), undefined, no);
  for (const no of ['ample.com', 'b.example.com', 'example.com:8443', 'a.example.com.org'])
    assert.equal(of('https://a.example.com/', no), 'proxy:3128', no);
  assert.equal(of('https://10.0.0.7/', '10.0.0.7'), undefined);
  assert.equal(of('https://[fd00::1]/', 'fd00::1'), undefined);
  assert.equal(
    proxyFor('https://a/', { https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:1' })?.host,
    'lower:1',
  );
});

/** A receiver behind TLS, and what becomes of a push to it by way of a proxy. */
const world = async (answer?: Parameters<typeof proxyServer>[0]) => {
  const stack = new AsyncDisposableStack();
  const { root, intermediate, leaf } = await chain();
  let pushes = 0;
  const server = createServer({ cert: leaf.cert + intermediate.cert, key: leaf.key }, (request, response) => {
    pushes += 1;
    request.resume().on('end', () => response.writeHead(204).end());
  });
  const { port } = stack.use(await listening(server));
  const proxy = stack.use(await proxyServer(answer));
  const push = async (given: string = proxy.url) => {
    await using kit = makeKit({ environment: { HTTPS_PROXY: given } });
    const settings = remoteWriteSettings.parse({ url: `https://localhost:${port}/`, tls_config: { ca: root.cert } });
    await using sink = remoteWrite(settings, kit);
    return await sink.send({ id: 'a', group: 'b', samples: [] }, 1, AbortSignal.timeout(5_000));
  };
  return { proxy, port, push, pushes: () => pushes, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('proxy: what is pushed goes through it, is verified at its end, and sends who we are to the proxy alone', async () => {
  await using there = await world();
  const receipt = await there.push(there.proxy.url.replace('://', '://ann:canary@'));
  assert.equal(receipt.kind, 'accepted', JSON.stringify(receipt));
  assert.equal(there.pushes(), 1);
  const [head = ''] = there.proxy.asked;
  assert.match(
    head,
    new RegExp(`^CONNECT localhost:${there.port} HTTP/1\\.1\\r\\nHost: localhost:${there.port}\\r\\n`),
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
