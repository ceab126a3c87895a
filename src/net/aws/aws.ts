import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { mask } from '../../protocol/mask.ts';
import { codeOf } from '../failure.ts';
import { proxyFor, tunnel, tunnelLimitMs } from '../proxy.ts';
import { within } from '../within.ts';
import { awsCredentials, type CredentialSources, type Credentials, type PlainRequest } from './credentials.ts';
import { serviceHost } from './service-host.ts';

/** A call to a service. `path` begins with a slash; S3's buckets are given apart, since they belong into the host. */
export type AwsRequest = {
  readonly service: string;
  readonly region: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST';
  readonly path?: string;
  readonly bucket?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The longest answer that is read, in bytes; 64 MiB unless given. A longer one rejects with code {@link answerTooLong}. */
  readonly mostBytes?: number;
};

/** The code of the error for an answer that is longer than what was allowed. */
export const answerTooLong = 'AWS_TOO_LONG';

/** What a service answered. Names of headers are in lower case. */
export type AwsAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** Signed calls to AWS. */
export type Aws = AsyncDisposable & {
  /**
   * Answers whatever the status is, after up to two more tries where the service has no time, fails, or is not reached, and with
   * new credentials where those in use have expired. Rejects with an error's code, or with the signal's reason. The body of an error
   * answer is cut at 4,096 bytes, and what it repeats of the credentials is masked.
   */
  readonly call: (request: AwsRequest, signal?: AbortSignal) => Promise<AwsAnswer>;
};

/** What {@link aws} is made of. */
export type AwsParts = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: CredentialSources['file'];
  readonly ask?: NonNullable<CredentialSources['ask']>;
};

/** Time limit of one try, in milliseconds, and the waits before the next ones. */
const limitMs = 5_000;
const waitsMs = [100, 400];
const mostOfAnswer = 64 * 1_024 * 1_024;

/** Services that answer in JSON or XML say with status 400 that they have no time, or that a token has expired. */
const busyCodes =
  /^(?:Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown|ProvisionedThroughputExceeded)/;
const expiredCodes = /^(?:ExpiredToken|TokenRefreshRequired)/;

/**
 * Makes the calls of one process, with its credentials. Nothing is loaded or read before the first call.
 * `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_S3` (and so on) name other endpoints, as they do for AWS's own programs.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export const aws = ({ environment, file, ask }: AwsParts): Aws => {
  const http = transport(environment);
  const credentials = awsCredentials({
    environment,
    file,
    ...(ask === undefined ? {} : { ask }),
    send: async (request, limit = limitMs) => {
      const { status, body } = await http.send(request, AbortSignal.timeout(limit));
      return { status, text: body.toString('utf8') };
    },
  });
  const call: Aws['call'] = async (request, signal) => {
    const { url, headers } = addressed(request, environment);
    for (let tries = 0; ; tries += 1) {
      const limit = AbortSignal.timeout(limitMs);
      const used = signal === undefined ? await credentials.now() : await within(signal, credentials.now());
      const signed = await sign(request, url, headers, used);
      const last = tries === waitsMs.length;
      try {
        const over = signal === undefined ? limit : AbortSignal.any([signal, limit]);
        const got = await http.send(signed, over, request.mostBytes);
        const answer = got.status < 400 ? got : { ...got, body: maskedError(got.body, used, signed) };
        if (last) return answer;
        const code = awsCode(answer);
        if (expiredCodes.test(code)) credentials.drop(used);
        else if (answer.status < 500 && answer.status !== 429 && !busyCodes.test(code)) return answer;
      } catch (error) {
        if (last || signal?.aborted === true || codeOf(error) === answerTooLong) throw error;
      }
      // Those who were turned away together do not come back together.
      await wait((waitsMs[tries] ?? 0) * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal });
    }
  };
  return { call, [Symbol.asyncDispose]: http.close };
};

type Environment = AwsParts['environment'];

/** What is read of an error answer, in bytes. */
const mostErrorBytes = 4_096;

/** An error answer without what it repeats of the credentials: services say what they would have signed, and others send all back. */
const maskedError = (
  body: Buffer,
  { secretAccessKey, sessionToken = '' }: Credentials,
  { headers }: SignedRequest,
): Buffer => {
  const signature = /Signature=([\da-f]+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const text = mask(body.toString('utf8', 0, mostErrorBytes), [secretAccessKey, sessionToken, signature]);
  // The end of a cut text may be the start of a secret.
  return Buffer.from(body.length > mostErrorBytes ? text.slice(0, -64) : text);
};

/** Where a service is, and the header that names the bucket's or the service's host. */
const addressed = ({ service, region, path = '/', bucket, headers = {} }: AwsRequest, environment: Environment) => {
  const name = `AWS_ENDPOINT_URL_${service.toUpperCase().replaceAll('-', '_')}`;
  const given = environment[name] ?? environment.AWS_ENDPOINT_URL;
  const host = serviceHost(service, region);
  // A dot in a bucket's name would not be covered by the certificate; other endpoints rarely have a name per bucket.
  const inHost = bucket !== undefined && given === undefined && !bucket.includes('.');
  const base = given?.replace(/\/+$/, '') ?? `https://${inHost ? `${bucket}.` : ''}${host}`;
  return { url: `${base}${bucket === undefined || inHost ? '' : `/${bucket}`}${path}`, headers };
};

const sign = async (
  { service, region, method, body }: AwsRequest,
  url: string,
  headers: Readonly<Record<string, string>>,
  credentials: Credentials,
): Promise<SignedRequest> => {
  // Only who calls AWS pays for Node's own web classes, which the signer needs.
  const { AwsV4Signer } = await import('aws4fetch');
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const hash = createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signed = await new AwsV4Signer({
    method,
    url,
    service,
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    headers: { ...headers, 'X-Amz-Content-Sha256': hash },
  }).sign();
  return { url: signed.url.href, method, headers: Object.fromEntries(signed.headers), ...(bytes && { body: bytes }) };
};

type SignedRequest = Omit<PlainRequest, 'method' | 'body'> & {
  readonly method: AwsRequest['method'];
  readonly body?: string | Uint8Array;
};

/** A connection for each request: a function is frozen between its runs, and what it kept open would be dead. */
const transport = (environment: Environment) => {
  // One for those that are reached as they are, one for each proxy.
  const agents = new Map<string, import('undici').Agent>();
  const closing = new AbortController();
  const send = async (request: SignedRequest, signal: AbortSignal, mostBytes = mostOfAnswer): Promise<AwsAnswer> => {
    const { Agent, request: ask } = await import('undici');
    const { url, method, headers, body } = request;
    const proxy = proxyFor(url, environment);
    const dispatcher =
      agents.get(proxy?.href ?? '') ??
      new Agent({
        pipelining: 0,
        allowH2: false,
        connect:
          proxy === undefined
            ? { signal: closing.signal }
            : tunnel(proxy, { limitMs: tunnelLimitMs(limitMs), signal: closing.signal }),
      });
    agents.set(proxy?.href ?? '', dispatcher);
    const asked = ask(url, { dispatcher, method, headers, body: body ?? null, signal, reset: true });
    const answer = await within(signal, asked);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      length += chunk.length;
      if (Math.max(length, Number(answer.headers['content-length'] ?? 0)) > mostBytes)
        throw Object.assign(new Error('the answer is too long'), { code: answerTooLong });
    }
    const read = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat()[0] ?? '']);
    return { status: answer.statusCode, headers: Object.fromEntries(read), body: Buffer.concat(chunks) };
  };
  return {
    send,
    close: async () => {
      closing.abort();
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
};

type Answered = Pick<AwsAnswer, 'status' | 'body'>;

/** What stands under one of these names in an error answer of JSON or XML. */
const partOf = (body: Buffer, names: readonly string[]): string => {
  const text = body.toString('utf8', 0, mostErrorBytes);
  const found = names
    .map((name) => new RegExp(`<${name}>([^<]*)<|"${name}"\\s*:\\s*"([^"]*)"`).exec(text))
    .find((one) => one !== null);
  return found?.[1] ?? found?.[2] ?? '';
};

/** The code of an error answer, for example `AccessDenied`; empty for what is none. */
export const awsCode = ({ status, body }: Answered): string =>
  status < 400 ? '' : (partOf(body, ['Code', '__type', 'code']).split('#').at(-1) ?? '');

/** What an error answer says, in one short line: code and message of JSON or XML. */
export const awsProblem = ({ status, body }: Answered): string => {
  const said = [awsCode({ status, body }), partOf(body, ['Message', 'message'])].filter((one) => one !== '').join(': ');
  return `status ${status}${said === '' ? '' : `: ${said.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 300)}`}`;
};
