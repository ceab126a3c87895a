import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { gauge } from '../../src/kernel/metric.ts';
import type { Batch } from '../../src/kernel/sample.ts';
import { type KitOptions, kit } from '../../src/net/kit.ts';
import { remoteWrite, remoteWriteSettings } from '../../src/sinks/remote-write.ts';
import { awsServer } from '../servers/aws.ts';
import { chain } from '../servers/certificates.ts';
import { answer, httpsServer } from '../servers/http.ts';
import { type Behaviour, receiver } from '../servers/receiver.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';

const metric = gauge('probe_success', 'x');
const batchOf = (count: number): Batch => ({
  id: 'b',
  group: 'g',
  samples: Array.from({ length: count }, (_, index) => ({
    series: {
      metric,
      labels: [['name', `t${index}`]] as const,
    },
    at: 1_000 + index,
    value: index,
  })),
});

type Given = Partial<z.input<typeof remoteWriteSettings>>;

const send = async (
  url: string,
  given: Given = {},
  options: KitOptions & { attempt?: number; batch?: Batch; signal?: AbortSignal } = {},
) => {
  await using own = kit(options);
  await using sink = remoteWrite(remoteWriteSettings.parse({ url, ...given }), own);
  return await sink.send(
    options.batch ?? batchOf(2),
    options.attempt ?? 1,
    options.signal ?? new AbortController().signal,
  );
};

const sendTo = async (behave: Behaviour, given: Given = {}, options: Parameters<typeof send>[2] = {}) => {
  await using server = await receiver(behave);
  const receipt = await send(server.url, given, options);
  return { receipt, pushes: server.pushes };
};

test('remote-write: a request has the headers and the samples that the protocol demands', async () => {
  const { receipt, pushes } = await sendTo(() => 204);
  assert.equal(receipt.kind, 'accepted');
  const [push] = pushes;
  assert.equal(push?.headers['content-type'], 'application/x-protobuf');
  assert.equal(push?.headers['content-encoding'], 'snappy');
  assert.equal(push?.headers['x-prometheus-remote-write-version'], '0.1.0');
  assert.match(push?.headers['user-agent'] ?? '', /^Bothways\/\d+\.\d+\.\d+$/);
  assert.equal(push?.headers['retry-attempt'], undefined);
  assert.deepEqual(push?.series, [
    { labels: { __name__: 'probe_success', name: 't0' }, value: 0, at: 1_000 },
    { labels: { __name__: 'probe_success', name: 't1' }, value: 1, at: 1_001 },
  ]);
});

test('remote-write: a later attempt says so, with the same bytes', async () => {
  await using server = await receiver();
  await using own = kit();
  await using sink = remoteWrite(remoteWriteSettings.parse({ url: server.url }), own);
  const batch = batchOf(3);
  for (const attempt of [1, 2, 3]) await sink.send(batch, attempt, new AbortController().signal);
  assert.deepEqual(
    server.pushes.map(({ headers }) => headers['retry-attempt']),
    [undefined, '1', '2'],
  );
  assert.ok(server.pushes.every(({ body }) => body.equals(server.pushes[0]?.body ?? Buffer.alloc(0))));
});

test('remote-write: each status has its meaning', async () => {
  const meanings: readonly [status: number, kind: string][] = [
    [200, 'accepted'],
    [202, 'accepted'],
    [204, 'accepted'],
    [500, 'retry'],
    [503, 'retry'],
    [529, 'retry'],
    [429, 'retry'],
    [413, 'split'],
    [400, 'refused'],
    [409, 'refused'],
    [415, 'refused'],
    [422, 'refused'],
    [401, 'pause'],
    [403, 'pause'],
    [404, 'pause'],
    [405, 'pause'],
    [301, 'pause'],
    [307, 'pause'],
  ];
  for (const [status, kind] of meanings) {
    const { receipt } = await sendTo(() => ({
      status,
      headers: { location: '/elsewhere' },
      text: status === 204 ? '' : 'because',
    }));
    assert.equal(receipt.kind, kind, String(status));
    assert.equal(receipt.status, status);
    assert.equal(receipt.why, kind === 'accepted' ? undefined : `status ${status}: because`);
    assert.equal(receipt.dropped, status === 202 ? true : undefined);
  }
  assert.equal((await sendTo(() => 429, { queue_config: { retry_on_http_429: false } })).receipt.kind, 'refused');
});

test('remote-write: Retry-After is read as seconds or as a date, and rubbish or the past is ignored', async () => {
  const after = async (text: string) =>
    (await sendTo(() => ({ status: 503, headers: { 'retry-after': text } }))).receipt.afterMs;
  assert.equal(await after('7'), 7_000);
  const dated = await after(new Date(Date.now() + 60_000).toUTCString());
  assert.ok(dated !== undefined && dated > 50_000 && dated <= 60_000);
  assert.equal(await after('soon'), undefined);
  assert.equal(await after('Mon, 23 Nov 2020 09:00:00 GMT'), undefined);
  assert.equal(await after('999999999'), 3_600_000);
});

test("remote-write: the receiver's clock is compared with ours", async () => {
  const { receipt } = await sendTo(() => ({
    status: 200,
    headers: { date: new Date(Date.now() + 600_000).toUTCString() },
  }));
  assert.ok(Math.abs((receipt.skewMs ?? 0) - 600_000) < 5_000);
});

test('remote-write: basic auth, tokens and headers are sent, and a 401 makes the secret be read again', async () => {
  let token = 'old';
  const options = {
    environment: {
      get TOKEN() {
        return token;
      },
    },
  };
  const behave: Behaviour = ({ headers }) => {
    if (headers.authorization === 'Bearer new') return 204;
    token = 'new';
    return 401;
  };
  const { receipt, pushes } = await sendTo(
    behave,
    { authorization: { credentials: { secret: 'env:TOKEN' } }, headers: { 'X-Scope-OrgID': 'edge' } },
    options,
  );
  assert.equal(receipt.kind, 'accepted');
  assert.deepEqual(
    pushes.map(({ headers }) => headers.authorization),
    ['Bearer old', 'Bearer new'],
  );
  assert.equal(pushes[0]?.headers['x-scope-orgid'], 'edge');
  const basic = await sendTo(() => 204, { basic_auth: { username: 'ann', password: 'pä€' } });
  assert.equal(basic.pushes[0]?.headers.authorization, `Basic ${Buffer.from('ann:pä€').toString('base64')}`);
});

test('remote-write: a token that AWS keeps is asked for anew after a 401, once, and kept', async () => {
  await using aws = await awsServer();
  aws.parameters.set('/push', 'old');
  let good = 'old';
  await using server = await receiver(({ headers }) => (headers.authorization === `Bearer ${good}` ? 204 : 401));
  await using own = kit({ environment: aws.environment });
  const given = { url: server.url, bearer_token: { secret: 'ssm:/push' } };
  await using sink = remoteWrite(remoteWriteSettings.parse(given), own);
  const once = () => sink.send(batchOf(2), 1, new AbortController().signal);
  assert.equal((await once()).kind, 'accepted');
  good = 'new';
  aws.parameters.set('/push', 'new');
  assert.equal((await once()).kind, 'accepted');
  assert.equal((await once()).kind, 'accepted');
  assert.equal(aws.calls.length, 2);
  good = 'another';
  assert.deepEqual(await once().then(({ kind, status }) => [kind, status]), ['pause', 401]);
  assert.equal(aws.calls.length, 3);
});

test('remote-write: secrets that do not come hold nobody longer than there is time to send', async () => {
  await using aws = await awsServer();
  aws.silent.add('GetParameter');
  await using server = await receiver();
  const signal = AbortSignal.timeout(100);
  const given = { bearer_token: { secret: 'ssm:/push' } };
  await using own = kit({ environment: aws.environment });
  await using sink = remoteWrite(remoteWriteSettings.parse({ url: server.url, ...given }), own);
  const began = performance.now();
  assert.deepEqual(await sink.send(batchOf(2), 1, signal), {
    kind: 'retry',
    why: 'its secrets could not be read in time',
  });
  const stopped = performance.now() - began;
  const receipt = await sink.send(batchOf(2), 1, new AbortController().signal);
  assert.deepEqual(receipt, { kind: 'pause', why: 'ssm:/push: eu-west-1 did not answer within 4 s' });
  assert.ok(stopped < performance.now() - began - stopped);
});

test('remote-write: a file that cannot be used pauses, and is named', async () => {
  const folder = import.meta.dirname;
  const secure = await send('https://127.0.0.1:1/', { tls_config: { extra_ca_file: folder } });
  assert.deepEqual(secure, { kind: 'pause', why: `the file ${folder} cannot be read: EISDIR` });
  const text = await send('https://127.0.0.1:1/', { tls_config: { ca_file: import.meta.filename } });
  assert.deepEqual(text, { kind: 'pause', why: `the file ${import.meta.filename} holds no certificate in PEM` });
  const { receipt } = await sendTo(() => 204, { bearer_token_file: `${folder}/none` });
  assert.deepEqual(receipt, { kind: 'pause', why: `the file ${folder}/none cannot be read: ENOENT` });
});

test('remote-write: a secret that is not there pauses, and names the reference only', async () => {
  const { receipt, pushes } = await sendTo(() => 204, { bearer_token: { secret: 'env:NOWHERE' } });
  assert.equal(receipt.kind, 'pause');
  assert.match(receipt.why ?? '', /NOWHERE is not set/);
  assert.equal(pushes.length, 0);
});

test('remote-write: a receiver that is not there, resets or hangs is retried', async () => {
  assert.deepEqual(await send(`http://127.0.0.1:${await unusedPort()}/`), { kind: 'retry', why: 'ECONNREFUSED' });
  await using resetting = await tcpServer({ reset: 'accept' });
  assert.equal((await send(`http://127.0.0.1:${resetting.port}/`)).kind, 'retry');
  await using silent = await tcpServer();
  const late = await send(`http://127.0.0.1:${silent.port}/`, { remote_timeout: '100ms' });
  assert.deepEqual(late, { kind: 'retry', why: 'no answer within 100 ms' });
  await silent.allClosed();
});

test('remote-write: rubbish in place of an answer is retried', async () => {
  await using server = await tcpServer({ onData: (socket) => socket.end('hello?\r\n\r\n') });
  assert.equal((await send(`http://127.0.0.1:${server.port}/`)).kind, 'retry');
});

test('remote-write: an endless error text is cut at a kilobyte, on one line', async () => {
  const { receipt } = await sendTo((_push, response) => {
    response.writeHead(400);
    const more = () => {
      while (!response.destroyed && response.write('a\nb\u0007'.repeat(1_000)));
    };
    response.on('drain', more);
    more();
    return undefined;
  });
  assert.equal(receipt.kind, 'refused');
  assert.ok((receipt.why ?? '').length < 1_100);
  assert.doesNotMatch(receipt.why ?? '', /\p{Cc}/u);
});

test('remote-write: an answer whose text trickles is bounded by the time limit', async () => {
  const { receipt } = await sendTo(
    (_push, response) => {
      response.writeHead(500);
      const timer = setInterval(() => response.write('x'), 10);
      response.once('close', () => clearInterval(timer));
      return undefined;
    },
    { remote_timeout: '150ms' },
  );
  assert.equal(receipt.kind, 'retry');
});

test('remote-write: a stopped sender gives the batch back', async () => {
  await using silent = await tcpServer();
  const stop = new AbortController();
  const sending = send(`http://127.0.0.1:${silent.port}/`, {}, { signal: stop.signal });
  stop.abort('stopped');
  assert.deepEqual(await sending, { kind: 'retry', why: 'stopped' });
});

test('remote-write: a receiver behind TLS is verified by its settings', async () => {
  const { root } = await chain();
  await using server = await httpsServer(() => answer(204));
  const url = `${server.url}/push`;
  assert.equal((await send(url, { tls_config: { ca: root.cert } })).kind, 'accepted');
  assert.equal((await send(url, { tls_config: { insecure_skip_verify: true } })).kind, 'accepted');
  const refused = await send(url);
  assert.equal(refused.kind, 'retry');
  assert.match(refused.why ?? '', /UNABLE_TO|SELF_SIGNED/);
});

test('remote-write: no secret is in any message', async () => {
  const canary = 'c4n4ry';
  const given = { basic_auth: { username: 'ann', password: canary }, headers: { 'X-Key': canary } };
  for (const behave of [
    () => 401,
    () => 500,
    (_push: unknown, response: import('node:http').ServerResponse) => void response.destroy(),
  ] as Behaviour[]) {
    const { receipt } = await sendTo(behave, given);
    assert.doesNotMatch(JSON.stringify(receipt), new RegExp(canary));
  }
  const { receipt } = await sendTo(() => 204, { headers: { 'X-Key': `${canary}\r\nX-Evil: 1` } });
  assert.doesNotMatch(JSON.stringify(receipt), new RegExp(canary));
});

/** What a receiver repeats of a request, in the forms that gateways and web servers have. */
const echoes: readonly ((headers: Readonly<Record<string, unknown>>) => string)[] = [
  (headers) => JSON.stringify(headers),
  (headers) =>
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
  (headers) => Buffer.from(JSON.stringify(headers)).toString('base64'),
  (headers) => encodeURIComponent(String(headers.authorization)),
  ({ authorization }) => Buffer.from(String(authorization).split(' ')[1] ?? '', 'base64').toString('utf8'),
  (headers) => `${'x'.repeat(1_000)} ${JSON.stringify(headers)}`,
  (headers) => `${'x'.repeat(4_096 - 60)} ${JSON.stringify(headers.authorization)}`,
  (headers) => JSON.stringify(headers).repeat(20),
];

test('remote-write: a receiver that repeats what it got puts no secret into the receipt', async () => {
  const canary = 'c4n4ry-of/7f3a+longer';
  const environment = { C: canary, UMLAUT: canary.replace('o', 'ö') };
  const secret = { secret: 'env:C' };
  const hidden = [canary.slice(0, 12), canary.slice(-12), 'c4n4ry', '7f3a'].flatMap((one) => [
    one,
    ...[0, 1, 2].map((before) => inBase64(one, before)),
  ]);
  for (const given of [
    { basic_auth: { username: 'ann', password: { secret: 'env:UMLAUT' } } },
    { basic_auth: { username: 'ann', password: 'c4n4ry-literal-7f3a' } },
    { authorization: { type: 'Custom', credentials: secret } },
    { bearer_token: secret },
    { headers: { 'X-Any': secret } },
    { headers: { 'X-Api-Key': 'c4n4ry-literal-7f3a' } },
  ] as Given[])
    for (const echo of echoes)
      for (const status of [400, 500]) {
        const { receipt } = await sendTo(({ headers }) => ({ status, text: echo(headers) }), given, { environment });
        const text = JSON.stringify(receipt);
        for (const one of hidden) assert.ok(!text.includes(one), `${one} of ${echo} in ${text}`);
      }
  await using server = await receiver((_push, response) => ({ status: 400, text: String(response.req.url) }));
  const { why } = await send(`${server.url}?tenant=a&token=c4n4ry-query`);
  assert.match(why ?? '', /\/api\/v1\/write\?tenant=a&token=\*\*\*$/);
});

/** The characters of base64 that hold nothing but this text, when so many bytes stand before it. */
const inBase64 = (text: string, before: number): string =>
  Buffer.from(`${'x'.repeat(before)}${text}`)
    .toString('base64')
    .slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6));

test('remote-write: what we cannot honour is refused at load', () => {
  const why = (given: object) =>
    remoteWriteSettings
      .safeParse({ url: 'http://h/', ...given })
      .error?.issues.map(({ message }) => message)
      .join() ?? '';
  assert.equal(why({}), '');
  assert.match(why({ url: 'ftp://h/' }), /./);
  assert.match(why({ url: 'http://ann:secret@h/' }), /basic_auth/);
  assert.match(why({ headers: { 'User-Agent': 'x' } }), /cannot be set/);
  assert.match(why({ write_relabel_configs: [] }), /not supported yet/);
  assert.match(why({ sigv4: {} }), /not supported yet/);
  assert.match(why({ basic_auth: { username: 'a' }, bearer_token: 'b' }), /at most one/);
  assert.match(why({ protobuf_message: 'io.prometheus.write.v2.Request' }), /./);
});
