import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Aws, aws, awsProblem } from '../../src/net/aws/aws.ts';
import { awsReference } from '../../src/net/aws/parameters.ts';
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
  assert.equal(await s3Put(client, object, 'one', 'new'), true);
  const first = await s3Get(client, object);
  assert.equal(first.kind === 'content' && first.body.toString(), 'one');
  const etag = first.kind === 'content' ? first.etag : '';
  assert.deepEqual(await s3Get(client, object, etag), { kind: 'same' });
  assert.equal(await s3Put(client, object, 'two', 'new'), false, 'somebody else was first');
  assert.equal(await s3Put(client, object, 'two', { etag }), true);
  assert.equal(await s3Put(client, object, 'three', { etag }), false, 'it has changed since');
  assert.equal((await s3Get(client, object, etag)).kind, 'content');
});

test('aws: names of all letters are signed as they are sent', async () => {
  await using server = await awsServer();
  await using client = calls(server.environment);
  const odd = { ...object, key: "a b/ü+%/(x)!'*/list~1.json" };
  assert.equal(await s3Put(client, odd, 'odd', 'any'), true);
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

test('aws: without credentials the message says what to set', async () => {
  await using server = await awsServer();
  await using client = calls({ AWS_ENDPOINT_URL: server.url });
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
