import type { EpochMs } from '../../kernel/check.ts';
import { codeOf } from '../failure.ts';
import { containerSources, isContainerSource } from './container-source.ts';
import { serviceHost } from './service-host.ts';

/** What calls to AWS are signed with. */
export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiresAt?: EpochMs;
};

/** Where credentials are looked for. `send` answers a plain request with status and body, within a time limit of its own or this one. */
export type CredentialSources = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: (path: string) => Promise<Buffer>;
  readonly send: (
    request: PlainRequest,
    limitMs?: number,
  ) => Promise<{ readonly status: number; readonly text: string }>;
  /** Answers `aws configure export-credentials`: JSON text. Given where people work, not in a function. */
  readonly ask?: (profile: string | undefined) => Promise<string>;
  readonly now?: () => EpochMs;
};

/** A request that is not signed. */
export type PlainRequest = {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** The code of the errors that say that there are no credentials. */
export const noCredentials = 'AWS_NO_CREDENTIALS';

/** New ones are got so long before the old ones end, in milliseconds. */
const ahead = 300_000;

/** The credentials of a process. */
export type CredentialsInUse = {
  /** Those to sign with now. Rejects with code {@link noCredentials}; no message repeats a secret. */
  readonly now: () => Promise<Credentials>;
  /** A service says that these have expired: others are looked for at the next use. */
  readonly drop: (expired: Credentials) => void;
};

/**
 * Finds the credentials of this process, and keeps them until shortly before they end: the environment's own, a pod's role
 * (web identity), a container's role, what the AWS command line knows of profiles and single sign-on, and last the role of the
 * EC2 instance. They are looked for once, however many ask; if there are no new ones, the old ones serve until their end.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export const awsCredentials = (sources: CredentialSources): CredentialsInUse => {
  const { now = Date.now } = sources;
  let known: Credentials | undefined;
  let looking: Promise<Credentials> | undefined;
  const lasts = (ms: number) => known !== undefined && (known.expiresAt === undefined || known.expiresAt - now() > ms);
  const look = async (): Promise<Credentials> => {
    try {
      known = await find(sources);
      return known;
    } catch (error) {
      if (known !== undefined && lasts(0)) return known;
      throw error;
    } finally {
      looking = undefined;
    }
  };
  return {
    now: async () => {
      if (known !== undefined && lasts(ahead)) return known;
      looking ??= look();
      return looking;
    },
    drop: (expired) => {
      if (known === expired) known = undefined;
    },
  };
};

const find = async (sources: CredentialSources): Promise<Credentials> => {
  for (const look of [fromEnvironment, fromWebIdentity, fromContainer, fromCommandLine, fromInstance]) {
    const found = await look(sources);
    if (found !== undefined) return found;
  }
  return none('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is');
};

type Look = (sources: CredentialSources) => Promise<Credentials | undefined>;

const fromEnvironment: Look = async ({ environment }) => {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: token } = environment;
  if (id === undefined || id === '' || key === undefined || key === '') return undefined;
  return { accessKeyId: id, secretAccessKey: key, ...(token === undefined ? {} : { sessionToken: token }) };
};

/** A service account's token for a role, asked of STS without a signature. */
const fromWebIdentity: Look = async ({ environment, file, send }) => {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: role } = environment;
  if (path === undefined || role === undefined) return undefined;
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1';
  const token = (await file(path).catch(() => none(`the file ${path} cannot be read`))).toString('utf8').trim();
  const base =
    environment.AWS_ENDPOINT_URL_STS ?? environment.AWS_ENDPOINT_URL ?? `https://${serviceHost('sts', region)}`;
  const { status, text } = await send({
    url: base,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: environment.AWS_ROLE_SESSION_NAME ?? 'bothways',
      WebIdentityToken: token,
    }).toString(),
  });
  if (status !== 200) return none(`STS answered ${status} when asked for ${role}`);
  const part = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  return made(part('AccessKeyId'), part('SecretAccessKey'), part('SessionToken'), part('Expiration'));
};

/** EKS Pod Identity and ECS: an address on the machine, and a token that the request bears. */
const fromContainer: Look = async ({ environment, file, send }) => {
  const { AWS_CONTAINER_CREDENTIALS_FULL_URI: full, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative } = environment;
  if (full === undefined && relative === undefined) return undefined;
  // As AWS's own programs do: the relative form takes precedence.
  const name = relative === undefined ? 'FULL' : 'RELATIVE';
  const url = relative === undefined ? (full ?? '') : `http://169.254.170.2${relative}`;
  if (!isContainerSource(url)) return none(`AWS_CONTAINER_CREDENTIALS_${name}_URI ${containerSources}`);
  const path = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token =
    path === undefined
      ? environment.AWS_CONTAINER_AUTHORIZATION_TOKEN
      : (await file(path).catch(() => none(`the file ${path} cannot be read`))).toString('utf8').trim();
  const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
  const { status, text } = await send({ url, method: 'GET', headers });
  if (status !== 200) return none(`the container's credentials were answered with ${status}`);
  return fromJson(text);
};

const fromCommandLine: Look = async ({ environment, ask }) => {
  if (ask === undefined) return undefined;
  const text = await ask(environment.AWS_PROFILE).catch(() => undefined);
  if (text !== undefined) return fromJson(text);
  return environment.AWS_PROFILE === undefined
    ? undefined
    : none(`\`aws configure export-credentials --profile ${environment.AWS_PROFILE}\` gave none; log in first`);
};

/** A machine that is no EC2 instance does not answer there; one in reach answers at once. In milliseconds. */
const instanceLimitMs = 1_000;
const instanceRoles = '/latest/meta-data/iam/security-credentials/';

/**
 * The role of an EC2 instance, by version 2 of its metadata service.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
const fromInstance: Look = async ({ environment, send }) => {
  if (environment.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') return undefined;
  const usual =
    environment.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.toLowerCase() === 'ipv6'
      ? 'http://[fd00:ec2::254]'
      : 'http://169.254.169.254';
  const base = (environment.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? usual).replace(/\/+$/, '');
  const ask = async (method: 'GET' | 'PUT', path: string, headers: Record<string, string>) => {
    const { status, text } = await send({ url: `${base}${path}`, method, headers }, instanceLimitMs);
    return status === 200 ? text.trim() : undefined;
  };
  try {
    const token = await ask('PUT', '/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': '60' });
    if (token === undefined) return undefined;
    const bearing = { 'x-aws-ec2-metadata-token': token };
    const role = (await ask('GET', instanceRoles, bearing))?.split('\n')[0];
    const text = role === undefined ? undefined : await ask('GET', `${instanceRoles}${role}`, bearing);
    return text === undefined ? undefined : fromJson(text);
  } catch (error) {
    // Nobody there, or no answer in time: this is no instance, or one that keeps its role from containers.
    if (codeOf(error) !== noCredentials) return undefined;
    throw error;
  }
};

const fromJson = (text: string): Credentials => {
  const value = parsed(text);
  const part = (...names: readonly string[]) => {
    const found = names.map((name) => value.get(name)).find((one) => typeof one === 'string');
    return typeof found === 'string' ? found : undefined;
  };
  return made(part('AccessKeyId'), part('SecretAccessKey'), part('Token', 'SessionToken'), part('Expiration'));
};

const parsed = (text: string): ReadonlyMap<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
};

const made = (id?: string, key?: string, token?: string, end?: string): Credentials => {
  if (id === undefined || key === undefined) return none('the answer that should hold them does not');
  const expiresAt = end === undefined ? Number.NaN : Date.parse(end);
  return {
    accessKeyId: id,
    secretAccessKey: key,
    ...(token === undefined ? {} : { sessionToken: token }),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
};

const none = (why: string): never => {
  throw Object.assign(new Error(`no AWS credentials: ${why}`), { code: noCredentials });
};
