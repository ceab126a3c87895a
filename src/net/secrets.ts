import type { SecretRef } from '../kernel/check.ts';
import { type AwsReference, awsReference } from './aws/parameters.ts';

/** Where secrets come from in this process. */
export type SecretSources = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values that stood in the list itself, by reference. */
  readonly literals: ReadonlyMap<string, string>;
  readonly file: (path: string) => Promise<Buffer>;
  /** Asks AWS for a secret. */
  readonly parameter: (secret: string, reference: AwsReference, fresh: boolean) => Promise<string>;
};

/** The code of the errors with which {@link secrets} rejects. */
export const secretUnavailable = 'SECRET_UNAVAILABLE';

/**
 * Turns references into values: `env:NAME`, `file:/path` (trimmed, read anew when it changes), `literal:PLACE`, and what AWS keeps
 * (`ssm:`, `secretsmanager:`; `fresh` asks for it anew). A text that is no reference is its own value. Rejects with code
 * {@link secretUnavailable} and a message that names the reference only.
 */
export const secrets =
  ({ environment, literals, file, parameter }: SecretSources) =>
  async (value: string | SecretRef, fresh = false): Promise<string> => {
    if (typeof value === 'string') return value;
    const [kind = '', ...rest] = value.secret.split(':');
    const place = rest.join(':');
    switch (kind) {
      case 'env':
        // What every object has, `constructor` say, is no variable.
        return (
          (Object.hasOwn(environment, place) ? environment[place] : undefined) ??
          unavailable(value, `the environment variable ${place} is not set`)
        );
      case 'file':
        return (await file(place).catch(() => unavailable(value, `the file ${place} cannot be read`)))
          .toString('utf8')
          .trim();
      case 'literal':
        return literals.get(value.secret) ?? unavailable(value, 'its value did not travel with the list');
      default: {
        const reference = awsReference(value.secret);
        if (reference === undefined) return unavailable(value, `secrets of the kind "${kind}" cannot be read here`);
        return parameter(value.secret, reference, fresh).catch((error: unknown) =>
          unavailable(value, error instanceof Error ? error.message : 'failed'),
        );
      }
    }
  };

const unavailable = ({ secret }: SecretRef, why: string): never => {
  throw Object.assign(new Error(`${secret}: ${why}`), { code: secretUnavailable });
};
