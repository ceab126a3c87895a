import type { Check, Vantage } from '../kernel/check.ts';
import { deployedWith } from './deployed-with.ts';
import type { Endpoint } from './endpoint.ts';
import { isSecretRef } from './secrets.ts';
import type { Add } from './target.ts';

/**
 * What Lambda or we set ourselves, or what the function's own runtime would read.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
const taken = /^(?:AWS_|LAMBDA_|BOTHWAYS_|NODE_|LD_)|^(?:PATH|LANG|TZ)$/;
/** Lambda's names of variables. */
const shape = /^[A-Za-z][A-Za-z0-9_]+$/;

/** Why a function cannot have a variable of this name, or `undefined`. */
const variableProblem = (name: string): string | undefined => {
  if (taken.test(name)) return `the variable ${name} is set by Lambda or by Bothways itself`;
  return shape.test(name)
    ? undefined
    : `Lambda takes no variable ${name}: its names begin with a letter and have two at least`;
};

/**
 * The first reference in settings to a variable that a Lambda function cannot have: the keys to it, and why in a sentence;
 * `undefined` if there is none.
 */
export const variableIn = (
  settings: unknown,
): { readonly path: readonly string[]; readonly message: string } | undefined => {
  if (typeof settings !== 'object' || settings === null) return undefined;
  if (isSecretRef(settings)) {
    const problem = settings.secret.startsWith('env:') ? variableProblem(settings.secret.slice(4)) : undefined;
    return problem === undefined ? undefined : { path: [], message: problem };
  }
  for (const [key, value] of Object.entries(settings)) {
    const below = variableIn(value);
    if (below !== undefined) return { ...below, path: [key, ...below.path] };
  }
  return undefined;
};

/** CloudFormation's names are letters and digits: `PUSH_TOKEN` is `EnvPushToken`. */
export const parameterOf = (variable: string): string =>
  `Env${variable
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('')}`;

type Part = {
  readonly vantages: readonly Vantage[];
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
};

/** Tells of variables of a Lambda vantage that would be one parameter of its stack. */
export const checkVariables = ({ vantages, checks, endpoints }: Part, add: Add): void => {
  for (const { name, kind } of vantages) {
    if (kind !== 'lambda') continue;
    const own = checks.filter(({ vantage }) => vantage.name === name);
    const receivers = endpoints.filter(({ from }) => from.includes(name));
    const known = new Map<string, string>();
    for (const reference of deployedWith({ checks: own, endpoints: receivers })) {
      if (!reference.startsWith('env:')) continue;
      const variable = reference.slice('env:'.length);
      const parameter = parameterOf(variable);
      const other = known.get(parameter);
      if (other !== undefined)
        add(
          ['vantages', name],
          `the variables ${other} and ${variable} would be one parameter of its stack; rename one`,
        );
      known.set(parameter, variable);
    }
  }
};
