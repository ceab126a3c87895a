import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { cloudFormation, type Stacks } from './aws-cloudformation.ts';
import { signedBy } from './aws-signature.ts';
import { listening } from './tcp.ts';

/** A call that the stand-in saw. */
export type SeenCall = { readonly service: string; readonly region: string; readonly action: string };

/** A stand-in for AWS on loopback, for `AWS_ENDPOINT_URL`: refuses what is not signed, and keeps what it is given. */
export type AwsServer = AsyncDisposable & {
  readonly url: string;
  /** What a program needs to talk to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly calls: SeenCall[];
  /** Objects by `bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** Buckets that are not there; all others are. */
  readonly gone: Set<string>;
  /** Parameters and secrets by name. */
  readonly parameters: Map<string, string>;
  readonly stacks: Stacks;
  /** Regions that the account has not switched on, which know no credentials. */
  readonly off: Set<string>;
  /** Answers the next calls of an action with a status and a code, so many times. */
  readonly fail: (action: string, status: number, times?: number, code?: string) => void;
  /** Does the next call of these actions and cuts the connection before it answers. */
  readonly lost: Set<string>;
  /** Answers a GET of an object by hand, for example a byte a second. */
  readonly byHand: Map<string, (response: ServerResponse) => void>;
  /** Actions that are never answered. */
  readonly silent: Set<string>;
  /** Denies an action from now on. */
  readonly deny: (action: string) => void;
};

const keys = { id: 'AKIDEXAMPLE', secret: 'canary-aws-secret-key' };

/** How the stand-in is. To a caller that may not list buckets S3 says of what is not there that it is forbidden. */
export type AwsServerOptions = {
  readonly mayList?: boolean;
  /** Speaks TLS with this certificate, under a name that only a proxy can lead to. */
  readonly secure?: { readonly cert: string; readonly key: string; readonly host: string };
};

/** Starts the stand-in. */
export const awsServer = async ({ mayList = true, secure }: AwsServerOptions = {}): Promise<AwsServer> => {
  const calls: SeenCall[] = [];
  const objects = new Map<string, Buffer>();
  const parameters = new Map<string, string>();
  const off = new Set<string>();
  const gone = new Set<string>();
  const failures = new Map<string, { status: number; times: number; code: string }>();
  const byHand: AwsServer['byHand'] = new Map();
  const silent = new Set<string>();
  const lost = new Set<string>();
  const denied = new Set<string>();
  const stacks: Stacks = { all: new Map(), failing: new Set(), planned: new Map(), objects };

  const answer = (request: IncomingMessage, body: Buffer, response: ServerResponse) => {
    const target = String(request.headers['x-amz-target'] ?? '');
    const form = new URLSearchParams(body.toString('utf8'));
    if (form.get('Action') === 'AssumeRoleWithWebIdentity') return assume(form, response);
    const signed = signedBy(request, body, keys.secret);
    if (signed === undefined || signed.accessKeyId !== keys.id)
      return xml(response, 403, '<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>');
    const { service, region } = signed;
    const action = target.split('.').at(-1) || form.get('Action') || `${request.method}`;
    calls.push({ service, region, action });
    if (off.has(region))
      return xml(response, 403, '<Error><Code>InvalidClientTokenId</Code><Message>invalid</Message></Error>');
    if (silent.has(action)) return undefined;
    if (denied.has(action)) return xml(response, 403, accessDenied);
    const failing = failures.get(action);
    if (failing !== undefined && failing.times > 0) {
      failing.times -= 1;
      return xml(response, failing.status, `<Error><Code>${failing.code}</Code><Message>to fail</Message></Error>`);
    }
    if (service === 's3' && lost.delete(action)) {
      s3(request, body, response, { objects, gone, mayList });
      return void response.destroy();
    }
    const odd = request.method === 'GET' ? byHand.get(decodeURIComponent(request.url ?? '').slice(1)) : undefined;
    if (odd !== undefined) return odd(response);
    if (service === 's3') return s3(request, body, response, { objects, gone, mayList });
    if (service === 'ssm' || service === 'secretsmanager')
      return secret(JSON.parse(body.toString()), service, response, parameters);
    if (service === 'cloudformation')
      return cloudFormation(form, region, stacks, (status, text) => xml(response, status, text));
    if (action === 'GetCallerIdentity')
      return xml(
        response,
        200,
        '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/test</Arn><UserId>test</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
      );
    if (service === 'ecr') return json(response, 400, { __type: 'RepositoryNotFoundException', message: 'none' });
    return json(response, 404, { __type: 'ResourceNotFoundException', message: `no ${service} ${action} here` });
  };

  const serve = async (request: IncomingMessage, response: ServerResponse) =>
    answer(request, await buffer(request), response);
  const server = secure === undefined ? createServer(serve) : createSecureServer(secure, serve);
  const { port, [Symbol.asyncDispose]: close } = await listening(server);
  const url = secure === undefined ? `http://127.0.0.1:${port}` : `https://${secure.host}:${port}`;
  return {
    url,
    environment: {
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: keys.id,
      AWS_SECRET_ACCESS_KEY: keys.secret,
      AWS_REGION: 'eu-west-1',
    },
    calls,
    objects,
    gone,
    parameters,
    stacks,
    off,
    fail: (action, status, times = 1, code = 'Asked') => void failures.set(action, { status, times, code }),
    byHand,
    silent,
    lost,
    deny: (action) => void denied.add(action),
    [Symbol.asyncDispose]: close,
  };
};

const xml = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): undefined => {
  response.writeHead(status, { 'content-type': 'text/xml', ...headers });
  response.end(text);
};

const json = (response: ServerResponse, status: number, value: unknown): undefined => {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
};

const assume = (form: URLSearchParams, response: ServerResponse) =>
  form.get('WebIdentityToken') === 'good-token'
    ? xml(
        response,
        200,
        `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${keys.id}</AccessKeyId><SecretAccessKey>${keys.secret}</SecretAccessKey><SessionToken>session</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      )
    : xml(response, 400, '<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>');

const noSuchKey = '<Error><Code>NoSuchKey</Code><Message>none</Message></Error>';
const noSuchBucket = '<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>';
const accessDenied = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';

const etagOf = (body: Buffer) => `"${createHash('md5').update(body).digest('hex')}"`;

type Bucket = Pick<AwsServer, 'objects' | 'gone'> & { readonly mayList: boolean };

const s3 = (request: IncomingMessage, body: Buffer, response: ServerResponse, { objects, gone, mayList }: Bucket) => {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const name = decodeURIComponent(path).slice(1);
  if (gone.has(name.split('/')[0] ?? '')) return xml(response, 404, noSuchBucket);
  const there = objects.get(name);
  const { 'if-none-match': unless, 'if-match': only } = request.headers;
  if (request.method === 'PUT' && !query.includes('=')) {
    if (only !== undefined && there === undefined) return xml(response, 404, noSuchKey);
    if (
      (unless === '*' && there !== undefined) ||
      (only !== undefined && there !== undefined && only !== etagOf(there))
    )
      return xml(response, 412, '<Error><Code>PreconditionFailed</Code></Error>');
    objects.set(name, body);
    return xml(response, 200, '', { etag: etagOf(body) });
  }
  if (request.method === 'PUT') {
    objects.set(name, unchunked(request, body));
    return xml(response, 200, '', { etag: etagOf(body) });
  }
  if (name === '' || !name.includes('/') || name.endsWith('/')) {
    if (query.includes('location')) return xml(response, 200, '<LocationConstraint>eu-west-1</LocationConstraint>');
    const prefix = new URLSearchParams(query).get('prefix') ?? '';
    const found = [...objects.keys()].filter((key) => key.startsWith(`${name.replace(/\/$/, '')}/${prefix}`));
    const contents = found.map((key) => `<Contents><Key>${key.slice(key.indexOf('/') + 1)}</Key></Contents>`);
    return xml(
      response,
      200,
      `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`,
    );
  }
  if (request.method === 'POST') return xml(response, 200, '<DeleteResult></DeleteResult>');
  if (there === undefined) return mayList ? xml(response, 404, noSuchKey) : xml(response, 403, accessDenied);
  if (unless === etagOf(there)) return xml(response, 304, '', { etag: etagOf(there) });
  response.writeHead(200, { etag: etagOf(there), 'content-length': there.length });
  response.end(request.method === 'HEAD' ? undefined : there);
  return undefined;
};

/** A body that was sent in signed or checksummed chunks (`aws-chunked`), as SDKs do. */
const unchunked = (request: IncomingMessage, body: Buffer): Buffer => {
  if (!String(request.headers['content-encoding'] ?? '').includes('aws-chunked')) return body;
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.toString('latin1', at, end), 16);
    if (!(length > 0)) break;
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  return Buffer.concat(parts);
};

const secret = (
  asked: { readonly Name?: string; readonly SecretId?: string; readonly WithDecryption?: boolean },
  service: string,
  response: ServerResponse,
  parameters: ReadonlyMap<string, string>,
) => {
  const value = parameters.get(asked.Name ?? asked.SecretId ?? '');
  if (value === undefined)
    return json(response, 400, { __type: service === 'ssm' ? 'ParameterNotFound' : 'ResourceNotFoundException' });
  return json(response, 200, service === 'ssm' ? { Parameter: { Value: value } } : { SecretString: value });
};
