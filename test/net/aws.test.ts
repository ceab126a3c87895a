import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Aws, aws, awsProblem } from '../../src/net/aws/aws.ts';
import { awsCredentials } from '../../src/net/aws/credentials.ts';
import { awsReference, parameters } from '../../src/net/aws/parameters.ts';
import { s3Get, s3Put } from '../../src/net/aws/s3.ts';
import { files } from '../../src/net/files.ts';
import { kit } from '../../src/net/kit.ts';
import { awsServer } from '../servers/aws.ts';
import { listening } from '../servers/tcp.ts';

const calls = (environment: Readonly<Record<string, string | undefined>>): Aws => aws({ environment, file: files() });
const object = { bucket: 'lists', key: 'prod/eu-west-1.json', region: 'eu-west-1' };
const reasonOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => assert.fail('it should have been refused'),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

test('aws: an object is written and read, and read again only when it has changed', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  assert.deepEqual(await s3Get(client, object), { kind: 'missing' });
  assert.match((await s3Put(client, object, 'one', 'new')) ?? '', /^"[0-9a-f]{32}"$/);
  const first = await s3Get(client, object);
  assert.equal(first.kind === 'content' && first.body.toString(), 'one');
  const etag = first.kind === 'content' ? first.etag : '';
  assert.deepEqual(await s3Get(client, object, etag), { kind: 'same' });
  assert.equal(await s3Put(client, object, 'two', 'new'), undefined, 'somebody else was first');
  assert.ok(await s3Put(client, object, 'two', { etag }));
  assert.equal(await s3Put(client, object, 'three', { etag }), undefined, 'it has changed since');
  assert.equal((await s3Get(client, object, etag)).kind, 'content');
});

test('aws: of an object that is too large no more than the bound is read, and it is asked for once', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  server.objects.set('lists/b/prod.json', Buffer.alloc(3_000_000));
  const large = { bucket: 'lists', key: 'b/prod.json', region: 'eu-west-1' };
  assert.match(
    await reasonOf(s3Get(client, large, undefined, undefined, 2_097_152)),
    /^s3:\/\/lists\/b\/prod\.json is larger than 2 MiB$/,
  );
  assert.equal(server.calls.length, 1);
  assert.equal((await s3Get(client, large, undefined, undefined, 3_000_000)).kind, 'content');
});

test('aws: an object of a bucket that is not there is not called missing', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  server.gone.add('lists');
  const why =
    /^s3:\/\/lists\/prod\/eu-west-1\.json cannot be (?:read|written): status 404: NoSuchBucket: The specified/;
  assert.match(await reasonOf(s3Get(client, object)), why);
  assert.match(await reasonOf(s3Put(client, object, 'one', 'new')), why);
});

test('aws: to who may not list the bucket, a missing object looks forbidden, and may still be written as a new one', async () => {
  await using server = await awsServer({ mayList: false });
  await using client = calls(server.environment);
  const refused = await s3Get(client, object);
  assert.equal(refused.kind, 'refused');
  assert.equal(
    refused.kind === 'refused' && refused.why,
    's3://lists/prod/eu-west-1.json cannot be read: status 403: AccessDenied: Access Denied; an object that is not there looks the same without the right s3:ListBucket',
  );
  const etag = (await s3Put(client, object, 'one', 'new')) ?? assert.fail('it was not written');
  assert.equal((await s3Get(client, object)).kind, 'content');
  server.objects.clear();
  assert.equal(await s3Put(client, object, 'two', { etag }), undefined, 'what was to be replaced is gone');
});

test('aws: a write whose answer was lost is one that was done', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  server.lost.add('PUT');
  const etag = await s3Put(client, object, 'one', 'new');
  assert.ok(etag !== undefined);
  server.lost.add('PUT');
  assert.ok((await s3Put(client, object, 'two', { etag })) !== undefined);
  assert.equal(server.objects.get('lists/prod/eu-west-1.json')?.toString(), 'two');
});

test('aws: names of all letters are signed as they are sent', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  const odd = { ...object, key: "a b/ü+%/(x)!'*/list~1.json" };
  assert.ok(await s3Put(client, odd, 'odd', 'any'));
  assert.equal((await s3Get(client, odd)).kind, 'content');
});

test('aws: a wrong key is refused in words that hold no key', async () => {
  await using server = await awsServer();
  await using client = calls({ ...server.environment, AWS_SECRET_ACCESS_KEY: 'canary-wrong' });
  const message = await reasonOf(s3Get(client, object));
  assert.equal(message, 's3://lists/prod/eu-west-1.json cannot be read: status 403: SignatureDoesNotMatch: no');
  assert.doesNotMatch(message, /canary/);
});

test('aws: what fails for a moment is tried again, what is denied is not', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  server.objects.set('lists/prod/eu-west-1.json', Buffer.from('x'));
  server.fail('GET', 503, 2);
  assert.equal((await s3Get(client, object)).kind, 'content');
  assert.equal(server.calls.length, 3);
  server.fail('GET', 403, 1);
  await reasonOf(s3Get(client, object));
  assert.equal(server.calls.length, 4);
  server.fail('GET', 503, 9);
  assert.match(await reasonOf(s3Get(client, object)), /status 503: Asked: to fail/);
});

test('aws: a service that has no time says so with status 400 too, and is asked again', async () => {
  for (const code of ['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'SlowDown']) {
    await using server = await awsServer();
    server.parameters.set('/push', 'one');
    server.fail('GetParameter', 400, 2, code);
    await using own = kit({ environment: server.environment });
    assert.equal(await own.secret({ secret: 'ssm:/push' }), 'one', code);
    assert.equal(server.calls.length, 3);
  }
});

test('aws: credentials that have expired are looked for anew, once, and a call that is stopped ends at once', async () => {
  await using server = await awsServer();
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key } = server.environment;
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return JSON.stringify({
      AccessKeyId: id,
      SecretAccessKey: key,
      SessionToken: 't',
      Expiration: '2100-01-01T00:00:00Z',
    });
  };
  await using client = aws({ environment: { AWS_ENDPOINT_URL: server.url }, file: files(), ask });
  await Promise.all([s3Get(client, object), s3Get(client, object), s3Get(client, object)]);
  assert.equal(asked, 1, 'all wait for the same look');
  server.fail('GET', 400, 1, 'ExpiredToken');
  assert.deepEqual(await s3Get(client, object), { kind: 'missing' });
  assert.equal(asked, 2);
  server.silent.add('GET');
  await assert.rejects(s3Get(client, object, undefined, AbortSignal.timeout(50)));
});

test('aws: credentials that end soon serve until their end when there are no new ones', async () => {
  let now = 0;
  let answer: string | undefined = JSON.stringify({
    AccessKeyId: 'a',
    SecretAccessKey: 'b',
    Expiration: new Date(600_000).toISOString(),
  });
  const credentials = awsCredentials({
    environment: { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/' },
    file: files(),
    send: async () => (answer === undefined ? { status: 503, text: '' } : { status: 200, text: answer }),
    now: () => now,
  });
  assert.equal((await credentials.now()).accessKeyId, 'a');
  answer = undefined;
  now = 400_000;
  assert.equal((await credentials.now()).accessKeyId, 'a');
  now = 600_000;
  assert.match(await reasonOf(credentials.now()), /answered with 503/);
});

test('aws: without credentials the message says what to set', async () => {
  await using server = await awsServer();
  await using client = calls({ AWS_ENDPOINT_URL: server.url, AWS_EC2_METADATA_DISABLED: 'true' });
  assert.match(await reasonOf(s3Get(client, object)), /no AWS credentials: set AWS_ACCESS_KEY_ID and/);
  await using asked = aws({
    environment: { AWS_ENDPOINT_URL: server.url, AWS_PROFILE: 'prod' },
    file: files(),
    ask: () => Promise.reject(new Error('canary')),
  });
  assert.match(await reasonOf(s3Get(asked, object)), /export-credentials --profile prod` gave none; log in first$/);
});

test('aws: a pod has its role by its token, a container by the address it is told, a person by the command line', async () => {
  await using server = await awsServer();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-aws-'));
  try {
    const token = join(folder, 'token');
    await writeFile(token, 'good-token\n');
    const base = { AWS_ENDPOINT_URL: server.url, AWS_REGION: 'eu-west-1' };
    const pod = { ...base, AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/pod' };
    await using ofPod = calls(pod);
    assert.deepEqual(await s3Get(ofPod, object), { kind: 'missing' });
    await writeFile(token, 'old-token-canary');
    await using expired = calls(pod);
    assert.match(await reasonOf(s3Get(expired, object)), /STS answered 400 when asked for arn:aws:iam/);
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key } = server.environment;
    const answer = JSON.stringify({
      AccessKeyId: id,
      SecretAccessKey: key,
      Token: 't',
      Expiration: '2100-01-01T00:00:00Z',
    });
    const metadata = createServer((request, response) => {
      if (request.headers.authorization !== 'good-token') response.writeHead(401);
      response.end(answer);
    });
    await using at = await listening(metadata);
    await writeFile(token, 'good-token');
    await using ofContainer = calls({
      ...base,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${at.port}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token,
    });
    assert.deepEqual(await s3Get(ofContainer, object), { kind: 'missing' });
    await using ofPerson = aws({ environment: base, file: files(), ask: () => Promise.resolve(answer) });
    assert.deepEqual(await s3Get(ofPerson, object), { kind: 'missing' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('aws: a pod asks STS where the services of its region are, in China too', async () => {
  const urls: string[] = [];
  for (const AWS_REGION of ['eu-west-1', 'cn-north-1']) {
    const { now } = awsCredentials({
      environment: { AWS_REGION, AWS_WEB_IDENTITY_TOKEN_FILE: 'token', AWS_ROLE_ARN: 'arn' },
      file: () => Promise.resolve(Buffer.from('a-token')),
      send: ({ url }) => {
        urls.push(url);
        return Promise.resolve({ status: 400, text: '' });
      },
    });
    await assert.rejects(now());
  }
  assert.deepEqual(urls, ['https://sts.eu-west-1.amazonaws.com', 'https://sts.cn-north-1.amazonaws.com.cn']);
});

test('aws: an instance has its role by its metadata service, and one that has none says what to set', async () => {
  await using server = await awsServer();
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key } = server.environment;
  const roles = '/latest/meta-data/iam/security-credentials/';
  const said = { role: 'probes\n', denies: false, silent: false };
  const metadata = createServer((request, response) => {
    const asked = `${request.method} ${request.url}`;
    const bears = request.headers['x-aws-ec2-metadata-token'] === 'a-token' && !said.denies;
    if (said.silent) return;
    if (asked === 'PUT /latest/api/token' && request.headers['x-aws-ec2-metadata-token-ttl-seconds'] === '60')
      response.end('a-token');
    else if (bears && asked === `GET ${roles}` && said.role !== '') response.end(said.role);
    else if (bears && asked === `GET ${roles}probes`)
      response.end(JSON.stringify({ Code: 'Success', AccessKeyId: id, SecretAccessKey: key, Token: 't' }));
    else response.writeHead(404).end();
  });
  await using at = await listening(metadata);
  const environment = {
    AWS_ENDPOINT_URL: server.url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${at.port}/`,
  };
  const answered = async () => {
    await using client = calls(environment);
    return await s3Get(client, object);
  };
  assert.deepEqual(await answered(), { kind: 'missing' });
  said.role = '';
  assert.match(await reasonOf(answered()), /no AWS credentials: set AWS_ACCESS_KEY_ID and/);
  Object.assign(said, { role: 'probes', denies: true });
  assert.match(await reasonOf(answered()), /no AWS credentials: set AWS_ACCESS_KEY_ID and/);
  said.silent = true;
  assert.match(await reasonOf(answered()), /no AWS credentials: set AWS_ACCESS_KEY_ID and/);
  metadata.closeAllConnections();
});

test('aws: references name service, region, id and key', () => {
  assert.deepEqual(awsReference('ssm:eu-west-1:/a/b'), {
    service: 'ssm',
    region: 'eu-west-1',
    id: '/a/b',
    key: undefined,
  });
  assert.deepEqual(awsReference('secretsmanager:prod/push#token'), {
    service: 'secretsmanager',
    region: undefined,
    id: 'prod/push',
    key: 'token',
  });
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:push-AbCdEf';
  assert.equal(awsReference(`secretsmanager:${arn}`)?.id, arn);
  assert.equal(awsReference(`secretsmanager:${arn}`)?.region, 'eu-west-1');
  assert.equal(awsReference('env:X'), undefined);
});

test('aws: secrets are read once, kept, and read anew when somebody asks for it', async () => {
  await using server = await awsServer();
  server.parameters.set('/push', 'one').set('prod/push', '{"user":"u","token":"t"}');
  await using own = kit({ environment: server.environment });
  const push = { secret: 'ssm:/push' };
  assert.deepEqual([await own.secret(push), await own.secret(push)], ['one', 'one']);
  assert.equal(server.calls.length, 1);
  server.parameters.set('/push', 'two');
  assert.deepEqual(
    [await own.secret(push), await own.secret(push, true), await own.secret(push)],
    ['one', 'two', 'two'],
  );
  assert.equal(await own.secret({ secret: 'secretsmanager:us-east-1:prod/push#token' }), 't');
  assert.deepEqual(server.calls.at(-1), { service: 'secretsmanager', region: 'us-east-1', action: 'GetSecretValue' });
});

test('aws: a secret is used for five minutes, then on while AWS is asked anew, and on where AWS does not answer', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  server.parameters.set('/push', 'one');
  let now = 0;
  const read = parameters({ aws: client, region: 'eu-west-1', now: () => now });
  const reference = awsReference('ssm:/push') ?? assert.fail();
  const push = (fresh = false) => read('ssm:/push', reference, fresh);
  const until = async (count: number) => {
    while (server.calls.length < count) await wait(2);
    await wait(20);
  };
  assert.equal(await push(), 'one');
  server.parameters.set('/push', 'two');
  now = 260_000;
  assert.equal(await push(), 'one');
  assert.equal(server.calls.length, 1, 'still fresh');
  now = 340_000;
  assert.equal(await push(), 'one', 'nobody waits');
  await until(2);
  assert.equal(await push(), 'two');
  server.fail('GetParameter', 400, 1);
  now = 1_000_000;
  assert.equal(await push(), 'two');
  await until(3);
  assert.equal(await push(), 'two', 'the old one serves on');
  server.fail('GetParameter', 400, 1);
  await reasonOf(push(true));
  assert.equal(await push(), 'two', 'also when one that was asked for anew did not come');
  await Promise.all([push(true), push(true), push(true)]);
  assert.equal(server.calls.length, 5, 'asked for once by those who ask at the same time');
});

test('aws: where AWS is silent a secret is given up in time, and nobody after that waits for it', async () => {
  await using server = await awsServer();
  server.silent.add('GetParameter');
  await using own = kit({ environment: server.environment });
  const message = 'ssm:/push: eu-west-1 did not answer within 4 s';
  assert.equal(await reasonOf(own.secret({ secret: 'ssm:/push' })), message);
  assert.equal(await reasonOf(own.secret({ secret: 'ssm:/push' })), message);
  assert.equal(server.calls.length, 1);
});

test('aws: a secret that is not there, or not as it should be, is said by its reference', async () => {
  await using server = await awsServer();
  server.parameters.set('plain', 'canary').set('list', '["canary"]').set('number', '{"n":1}');
  await using own = kit({ environment: server.environment });
  const why = (secret: string) => reasonOf(own.secret({ secret }));
  assert.equal(await why('ssm:/none'), 'ssm:/none: eu-west-1 answered status 400: ParameterNotFound');
  assert.equal(
    await why('secretsmanager:plain#k'),
    'secretsmanager:plain#k: the secret is no JSON object, so it has no keys',
  );
  assert.equal(
    await why('secretsmanager:list#0'),
    'secretsmanager:list#0: the secret is no JSON object, so it has no keys',
  );
  assert.equal(await why('secretsmanager:number#n'), 'secretsmanager:number#n: the secret has no text under the key n');
  await using nowhere = kit({ environment: { ...server.environment, AWS_REGION: undefined } });
  assert.match(await reasonOf(nowhere.secret({ secret: 'ssm:/x' })), /it names no region, and AWS_REGION is not set/);
});

test('aws: an endpoint that repeats what it got has no credentials in the error', async () => {
  const echo = createServer((request, response) => {
    const { headers } = request;
    const text = `<Error><Code>SignatureDoesNotMatch</Code><Message>${JSON.stringify(headers)} ${Buffer.from(String(headers['x-amz-security-token'])).toString('base64')}</Message></Error>`;
    response.writeHead(403).end(text);
  });
  const { port, [Symbol.asyncDispose]: close } = await listening(echo);
  await using _ = { [Symbol.asyncDispose]: close };
  await using there = calls({
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'canary-aws-secret-key',
    AWS_SESSION_TOKEN: 'canary-session-token',
  });
  const why = await reasonOf(s3Get(there, object));
  assert.match(why, /SignatureDoesNotMatch: .*\*\*\*/);
  assert.doesNotMatch(why, /canary|Y2FuYXJ5|Signature=[\da-f]/);
});

test('aws: an error answer is one short line, whatever its form', () => {
  const of = (text: string) => awsProblem({ status: 400, body: Buffer.from(text) });
  assert.equal(
    of('{"__type":"com.amazonaws#AccessDenied","message":"no\\u0000"}'),
    'status 400: AccessDenied: no\\u0000',
  );
  assert.equal(of('<Error><Code>Slow</Code><Message>a\nb</Message></Error>'), 'status 400: Slow: a b');
  assert.equal(of('rubbish'), 'status 400');
  assert.ok(of(`<Code>${'x'.repeat(9_999)}</Code>`).length < 400);
});
