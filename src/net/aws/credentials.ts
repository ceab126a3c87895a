import type { EpochMs } from '../../kernel/check.ts';

/** What calls to AWS are signed with. */
export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiresAt?: EpochMs;
};

/** Where credentials are looked for. `send` answers a plain request with status and body. */
export type CredentialSources = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: (path: string) => Promise<Buffer>;
  readonly send: (request: PlainRequest) => Promise<{ readonly status: number; readonly text: string }>;
  /** Answers `aws configure export-credentials`: JSON text. Given where people work, not in a function. */
  readonly ask?: (profile: string | undefined) => Promise<string>;
  readonly now?: () => EpochMs;
};

/** A request that is not signed. */
export type PlainRequest = {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** The code of the errors that say that there are no credentials. */
export const noCredentials = 'AWS_NO_CREDENTIALS';

/** New ones are got so long before the old ones end, in milliseconds. */
const ahead = 300_000;

/**
 * Finds the credentials of this process, and keeps them until shortly before they end: the environment's own, a pod's role
 * (web identity), a container's role, and last what the AWS command line knows of profiles and single sign-on.
 * Rejects with code {@link noCredentials}; no message repeats a secret.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export const awsCredentials = (sources: CredentialSources): (() => Promise<Credentials>) => {
  const { now = Date.now } = sources;
  let known: Promise<Credentials> | undefined;
  return async () => {
    const before = await known?.catch(() => undefined);
    if (before !== undefined && (before.expiresAt === undefined || before.expiresAt - now() > ahead)) return before;
    known = find(sources);
    return known;
  };
};

const find = async (sources: CredentialSources): Promise<Credentials> => {
  for (const look of [fromEnvironment, fromWebIdentity, fromContainer, fromCommandLine]) {
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
    environment.AWS_ENDPOINT_URL_STS ?? environment.AWS_ENDPOINT_URL ?? `https://sts.${region}.amazonaws.com`;
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
  const url = full ?? `http://169.254.170.2${relative}`;
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
