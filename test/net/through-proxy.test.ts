import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { before, test } from 'node:test';
import { setDefaultCACertificates } from 'node:tls';
import { remoteLists } from '../../src/agent/remote-lists.ts';
import { s3Get, s3Put } from '../../src/net/aws/s3.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { awsServer } from '../servers/aws.ts';
import { chain, issue } from '../servers/certificates.ts';
import { proxyServer } from '../servers/proxy.ts';
import { listening } from '../servers/tcp.ts';

// No resolver knows these names: what arrives came through the proxy.
const object = { bucket: 'lists', key: 'prod.yml', region: 'eu-west-1' };

const certified = async (host: string) => {
  const { intermediate } = await chain();
  const leaf = await issue({ subject: `CN=${host}`, names: [host], issuer: intermediate });
  return { host, cert: leaf.cert + intermediate.cert, key: leaf.key };
};

/** Hosts that a proxy was asked for, without their ports. */
const hosts = (asked: readonly string[]) => [...new Set(asked.map((head) => /^CONNECT ([^:]+):/.exec(head)?.[1]))];

/** A proxy that answers CONNECT, calls back, and then says nothing. */
const silentProxy = (then: () => void) =>
  proxyServer((_head, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n', () => setImmediate(then));
    return undefined;
  });

before(async () => setDefaultCACertificates([(await chain()).root.cert]));

test('aws: objects and secrets are reached through a proxy', async () => {
  await using server = await awsServer({ secure: await certified('aws.test') });
  server.parameters.set('/push', 'canary');
  await using proxy = await proxyServer();
  await using kit = makeKit({ environment: { ...server.environment, HTTPS_PROXY: proxy.url } });
  assert.ok(await s3Put(kit.aws, object, 'one', 'new'));
  const read = await s3Get(kit.aws, object);
  assert.equal(read.kind === 'content' && read.body.toString(), 'one');
  assert.equal(await kit.secret({ secret: 'ssm:/push' }), 'canary');
  assert.deepEqual(hosts(proxy.asked), ['aws.test']);
  assert.equal(proxy.asked.length, server.calls.length, 'a connection for each call');
});

test('aws: a call through a proxy that falls silent ends when it is stopped, and leaves nothing open', async () => {
  const stop = new AbortController();
  await using server = await awsServer({ secure: await certified('aws.test') });
  await using proxy = await silentProxy(() => stop.abort('stopped'));
  {
    await using kit = makeKit({ environment: { ...server.environment, HTTPS_PROXY: proxy.url } });
    await assert.rejects(s3Get(kit.aws, object, undefined, stop.signal), (reason) => reason === 'stopped');
  }
  await proxy.allClosed();
});

test('aws: a proxy that cannot be used is the reason of a failed call', async () => {
  await using server = await awsServer({ secure: await certified('aws.test') });
  await using kit = makeKit({ environment: { ...server.environment, HTTPS_PROXY: 'socks5://proxy' } });
  await assert.rejects(s3Get(kit.aws, object), { code: 'PROXY_UNUSABLE' });
  assert.deepEqual(server.calls, []);
});

test('remote lists: one over HTTPS is read through a proxy, which does not see its password', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer(await certified('lists.test'), (request, response) => {
    seen.push(request.headers.authorization, request.headers['if-none-match']);
    const isKnown = request.headers['if-none-match'] === '"1"';
    response.writeHead(isKnown ? 304 : 200, { ETag: '"1"' }).end(isKnown ? undefined : 'targets: []\n');
  });
  await using open = await listening(server);
  await using proxy = await proxyServer();
  await using kit = makeKit({ environment: { HTTPS_PROXY: proxy.url } });
  await using lists = remoteLists(kit, {}, 0);
  const url = `https://git:100%@lists.test:${open.port}/list.yml`;
  const file = { file: `https://lists.test:${open.port}/list.yml`, text: 'targets: []\n' };
  assert.deepEqual([await lists.read(url), await lists.read(url)], [file, file]);
  const sent = `Basic ${Buffer.from('git:100%').toString('base64')}`;
  assert.deepEqual(seen, [sent, undefined, sent, '"1"']);
  assert.deepEqual(hosts(proxy.asked), ['lists.test']);
  assert.doesNotMatch(proxy.asked.join(), /authorization/i);
});

test('remote lists: reading through a proxy that falls silent ends when the lists are closed, with everything', async () => {
  const asked = Promise.withResolvers<void>();
  await using proxy = await silentProxy(asked.resolve);
  await using kit = makeKit({ environment: { HTTPS_PROXY: proxy.url } });
  const lists = remoteLists(kit, {}, 0);
  const reading = lists.read('https://lists.test/list.yml');
  await asked.promise;
  await lists[Symbol.asyncDispose]();
  assert.deepEqual(await reading, { problem: 'cannot be read: PROXY_STOPPED', away: true });
  await proxy.allClosed();
});

test('remote lists: a proxy that cannot be used is said in a sentence', async () => {
  await using kit = makeKit({ environment: { HTTPS_PROXY: 'socks5://ann:canary@proxy' } });
  await using lists = remoteLists(kit, {}, 0);
  const read = await lists.read('https://lists.test/list.yml');
  assert.match(
    'problem' in read ? read.problem : '',
    /^cannot be read: HTTPS_PROXY asks for a proxy that speaks socks5/,
  );
  assert.doesNotMatch(JSON.stringify(read), /canary/);
});
