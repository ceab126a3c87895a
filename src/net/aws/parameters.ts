import type { EpochMs } from '../../kernel/check.ts';
import { type Aws, awsProblem } from './aws.ts';
import { noCredentials } from './credentials.ts';

/** A reference to a secret at AWS: `ssm:[REGION:]/name`, `secretsmanager:[REGION:]id[#key]`. */
export type AwsReference = {
  readonly service: 'ssm' | 'secretsmanager';
  /** Where it is; where the function or agent is, if not given. */
  readonly region: string | undefined;
  readonly id: string;
  /** A key of a secret that is a JSON object. */
  readonly key: string | undefined;
};

/** Reads what stands in a list; `undefined` for references of other kinds. */
export const awsReference = (secret: string): AwsReference | undefined => {
  const [, service, region, id = '', key] =
    /^(ssm|secretsmanager):(?:([a-z]{2}(?:-[a-z]+)+-\d+):)?([^#]+)(?:#(.+))?$/.exec(secret) ?? [];
  if (service !== 'ssm' && service !== 'secretsmanager') return undefined;
  return { service, region, id, key };
};

/** How long a value is used before it is asked for again, in milliseconds. */
const freshMs = 300_000;

/** What {@link parameters} is made of. `region` is where this process is. */
export type ParameterSources = {
  readonly aws: Aws;
  readonly region: string | undefined;
  readonly now?: () => EpochMs;
};

/**
 * Reads secrets from the Parameter Store and the Secrets Manager. A value is kept for five minutes; after that, if AWS does not
 * answer, the old one is used on. `fresh` asks anew. Rejects with a sentence that names the reference only.
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export const parameters = ({ aws, region: here, now = Date.now }: ParameterSources) => {
  const known = new Map<string, { readonly at: EpochMs; readonly value: Promise<string> }>();
  const ask = async ({ service, region = here, id, key }: AwsReference): Promise<string> => {
    if (region === undefined) throw new Error('it names no region, and AWS_REGION is not set');
    const target = service === 'ssm' ? 'AmazonSSM.GetParameter' : 'secretsmanager.GetSecretValue';
    const body = service === 'ssm' ? { Name: id, WithDecryption: true } : { SecretId: id };
    const answer = await aws.call({
      service,
      region,
      method: 'POST',
      headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': target },
      body: JSON.stringify(body),
    });
    if (answer.status !== 200) throw new Error(`${region} answered ${awsProblem(answer)}`);
    const text = valueIn(answer.body.toString('utf8'), service);
    if (text === undefined) throw new Error(`${region} answered without a value`);
    return key === undefined ? text : keyOf(text, key);
  };
  return async (secret: string, reference: AwsReference, fresh: boolean): Promise<string> => {
    const before = known.get(secret);
    if (before !== undefined && !fresh && now() - before.at < freshMs) return before.value;
    const value = ask(reference).catch(async (error: unknown) => {
      if (before === undefined || fresh) throw new Error(reasonOf(error));
      return before.value;
    });
    known.set(secret, { at: now(), value });
    // What failed is asked for again at the next use.
    value.catch(() => known.delete(secret));
    return value;
  };
};

/** Our own sentences, or an error's code: what a library says could repeat a header. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined || code === noCredentials ? error.message : code;
};

const valueIn = (text: string, service: AwsReference['service']): string | undefined => {
  const answer = tableIn(text);
  if (service === 'secretsmanager') return textAt(answer, 'SecretString');
  const parameter = answer?.Parameter;
  return typeof parameter === 'object' && parameter !== null ? textAt({ ...parameter }, 'Value') : undefined;
};

const keyOf = (text: string, key: string): string => {
  const table = tableIn(text);
  if (table === undefined) throw new Error('the secret is no JSON object, so it has no keys');
  return textAt(table, key) ?? missing(key);
};

const missing = (key: string): never => {
  throw new Error(`the secret has no text under the key ${key}`);
};

const textAt = (table: Readonly<Record<string, unknown>> | undefined, key: string): string | undefined => {
  const value = table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
  return typeof value === 'string' ? value : undefined;
};

const tableIn = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
};
