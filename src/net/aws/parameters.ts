import type { EpochMs } from '../../kernel/check.ts';
import { type Aws, awsProblem } from './aws.ts';
import { noCredentials } from './credentials.ts';

/** A reference to a secret at AWS: `ssm:[REGION:]/name`, `secretsmanager:[REGION:]id[#key]`. */
export type AwsReference = {
  readonly service: 'ssm' | 'secretsmanager';
  /** Where it is, by its ARN or as given; where the function or agent is, if neither says it. */
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
  const [arn, , , itsRegion] = id.split(':');
  return { service, region: arn === 'arn' ? itsRegion : region, id, key };
};

/** How long a value is used before it is asked for again, and how long it is not asked for after a failure, in milliseconds. */
const freshMs = 300_000;
const againMs = 30_000;
/** How long a value that nobody has yet may take with all tries, and how long its failure is remembered, in milliseconds. */
const limitMs = 4_000;
const failedMs = 5_000;

/** What {@link parameters} is made of. `region` is where this process is. */
export type ParameterSources = {
  readonly aws: Aws;
  readonly region: string | undefined;
  readonly now?: () => EpochMs;
};

/**
 * Reads secrets from the Parameter Store and the Secrets Manager. A value is kept for five minutes, and then used on while AWS is
 * asked anew behind it, so that no probe waits for that. `fresh` waits for what AWS says now. Rejects within four seconds, with a
 * sentence that names the reference only; who asks again at once gets the same answer.
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export const parameters = ({ aws, region: here, now = Date.now }: ParameterSources) => {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<string>>();
  const ask = async ({ service, region = here, id, key }: AwsReference): Promise<string> => {
    if (region === undefined) throw new Error('it names no region, and AWS_REGION is not set');
    const target = service === 'ssm' ? 'AmazonSSM.GetParameter' : 'secretsmanager.GetSecretValue';
    const body = service === 'ssm' ? { Name: id, WithDecryption: true } : { SecretId: id };
    const headers = { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': target };
    const limit = AbortSignal.timeout(limitMs);
    const answer = await aws
      .call({ service, region, method: 'POST', headers, body: JSON.stringify(body) }, limit)
      .catch((error: unknown) => {
        throw limit.aborted ? new Error(`${region} did not answer within ${limitMs / 1_000} s`) : error;
      });
    if (answer.status !== 200) throw new Error(`${region} answered ${awsProblem(answer)}`);
    const text = valueIn(answer.body.toString('utf8'), service);
    if (text === undefined) throw new Error(`${region} answered without a value`);
    return key === undefined ? text : keyOf(text, key);
  };
  const good = (secret: string, text: string): string => {
    // Many that began together do not ask together again.
    known.set(secret, { until: now() + freshMs * (0.9 + 0.2 * Math.random()), text });
    return text;
  };
  const bad = (secret: string, error: unknown): never => {
    const why = new Error(reasonOf(error));
    const before = known.get(secret);
    const keeps = before !== undefined && 'text' in before;
    known.set(secret, keeps ? { ...before, until: now() + againMs } : { until: now() + failedMs, why });
    throw why;
  };
  /** Asks, with all others who ask for the same meanwhile. */
  const askOnce = (secret: string, reference: AwsReference): Promise<string> => {
    const answer =
      asking.get(secret) ??
      ask(reference)
        .then(
          (text) => good(secret, text),
          (error: unknown) => bad(secret, error),
        )
        .finally(() => asking.delete(secret));
    asking.set(secret, answer);
    return answer;
  };
  return async (secret: string, reference: AwsReference, fresh: boolean): Promise<string> => {
    const before = known.get(secret);
    if (before === undefined || fresh) return askOnce(secret, reference);
    if (now() >= before.until) {
      const answer = askOnce(secret, reference);
      if ('why' in before) return answer;
      answer.catch(() => {});
    }
    if ('why' in before) throw before.why;
    return before.text;
  };
};

/** What AWS said last, and until when that is not asked again. */
type Known = { readonly until: EpochMs } & ({ readonly text: string } | { readonly why: Error });

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
