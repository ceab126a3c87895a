import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsCredentials } from '../../src/net/aws/credentials.ts';
import { files } from '../../src/net/files.ts';

const answer = JSON.stringify({ AccessKeyId: 'a', SecretAccessKey: 'b', Token: 't' });

/** The URL that was asked with these variables and a token, or the message of the error. */
const asked = async (environment: Readonly<Record<string, string>>): Promise<string> => {
  let url = 'nothing was asked';
  const credentials = awsCredentials({
    environment: { ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'canary', AWS_EC2_METADATA_DISABLED: 'true' },
    file: files(),
    send: async (request) => {
      assert.equal(request.headers.authorization, 'canary');
      url = request.url;
      return { status: 200, text: answer };
    },
  });
  try {
    await credentials.now();
    return url;
  } catch (error) {
    assert.ok(error instanceof Error && url === 'nothing was asked', url);
    return error.message;
  }
};

test('container-source: a container token goes by https, or to loopback and the addresses of ECS and EKS', async () => {
  for (const url of [
    'https://credentials.example.com/role',
    'https://10.0.0.7/role',
    'http://127.0.0.1:8080/role',
    'http://127.9.9.9/',
    'http://localhost:8080/role',
    'http://LOCALHOST/',
    'http://[::1]:8080/role',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://169.254.170.2/v2/credentials/id',
    'http://169.254.170.23/v1/credentials',
    'http://[fd00:ec2::23]/v1/credentials',
  ])
    assert.equal(await asked({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url }), url);
});

test('container-source: any other URL gets no token, and the message says what to write', async () => {
  for (const url of [
    'http://credentials.example.com/role',
    'http://10.0.0.7/role',
    'http://169.254.169.254/latest',
    'http://169.254.170.3/',
    'http://[fd00:ec2::254]/',
    'http://[fd00:ec2::24]/',
    'http://localhost.example.com/',
    'http://127.0.0.1.example.com/',
    'http://127.0.0.1@example.com/',
    'http://user:pass@127.0.0.1/',
    'http://0.0.0.0/',
    'http://[::]/',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    '127.0.0.1/role',
    '',
  ]) {
    const message = await asked({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url });
    assert.match(message, /AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL .*; write https:\/\//, url);
    assert.doesNotMatch(message, /canary|pass@/);
  }
});

test('container-source: a relative URI stays at the address of ECS, and takes precedence over a full one', async () => {
  const relative = (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: string) =>
    asked({
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'https://credentials.example.com/',
    });
  assert.equal(await relative('/v2/credentials/id'), 'http://169.254.170.2/v2/credentials/id');
  for (const uri of ['@example.com/', '.example.com/', '3.example.com/'])
    assert.match(await relative(uri), /AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a URL/, uri);
});
