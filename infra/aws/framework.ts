import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OpenList } from '../../src/cli/open-list.ts';
import { packageFunction } from '../../src/cli/package-function.ts';
import { usualConfig } from '../../src/cli/usual-config.ts';
import { load } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { parameterOf } from '../../src/config/variables.ts';
import { aroundFunction, functionProperties, stackFor } from '../../src/generate/aws/stack.ts';
import { logical, type Stack } from '../../src/generate/aws/template.ts';
import { regionsOf, variablesOf } from '../../src/generate/regions.ts';
import { probers } from '../../src/probers/index.ts';

/** What the framework is run for. `vantage` may be left out where a region has one only. */
export type Wanted = {
  readonly stage: string;
  readonly region: string;
  readonly vantage: string | undefined;
  readonly config: readonly string[];
};

/** A list and the stack of one of its vantages. */
export type Opened = { readonly list: OpenList; readonly stack: Stack };

/** Loads the list and finds the vantage. Rejects with the sentences of `bothways check`. */
export const openStack = async ({ stage, region, vantage, config }: Wanted): Promise<Opened> => {
  const paths = usualConfig(config);
  if (paths.length === 0) throw new Error('there is no list: neither bothways.yml nor targets/ is here');
  const loaded = await load(paths, { probers });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'));
  const { checks, endpoints, vantages } = loaded.compiled;
  const list = { ...loaded, checks, endpoints, vantages };
  const all = regionsOf(list);
  const here = all.filter((one) => (vantage === undefined ? one.region === region : one.vantage === vantage));
  const [only] = here;
  const known = all.map((one) => `${one.vantage} (${one.region})`).join(', ');
  if (only === undefined)
    throw new Error(`no Lambda vantage of the list is ${vantage ?? `in ${region}`}; it has ${known}`);
  if (here.length > 1) throw new Error(`several vantages are in ${region}; set BOTHWAYS_VANTAGE to one of ${known}`);
  if (only.region !== region) throw new Error(`the vantage ${only.vantage} is in ${only.region}, not in ${region}`);
  return { list, stack: stackFor(only, stage, loaded.list.aws) };
};

/** Where the zip is made, from the service's folder. */
const zipPath = '.bothways/function.zip';

/** `functions` of serverless.yml. What it does not say of the function, {@link resourcesOf} does. */
export const functionsOf = ({ stack }: Opened): object => {
  const { FunctionName, Role, Runtime, Handler, MemorySize, Timeout } = functionProperties(stack);
  return {
    probe: {
      name: FunctionName,
      handler: Handler,
      runtime: Runtime,
      architecture: 'arm64',
      memorySize: MemorySize,
      timeout: Timeout,
      role: Role,
      maximumRetryAttempts: 0,
      maximumEventAge: 60,
      package: { artifact: zipPath },
    },
  };
};

/** `resources` of serverless.yml: all around the function, and all its properties, which are laid over the framework's. */
export const resourcesOf = ({ stack }: Opened): object => {
  const { Parameters, Resources, Outputs } = aroundFunction(stack);
  const Properties = functionProperties(stack);
  return {
    ...(Object.keys(Parameters).length === 0 ? {} : { Parameters }),
    Resources: { ...Resources, [logical.function]: { Type: 'AWS::Lambda::Function', Properties } },
    Outputs,
  };
};

/** Makes the zip. */
export const writeZip = async ({ list }: Opened): Promise<void> => {
  const { zip } = await packageFunction(list);
  await mkdir(dirname(zipPath), { recursive: true });
  await writeFile(zipPath, zip);
};

/** A parameter's value for CloudFormation. */
export type StackParameter = { readonly ParameterKey: string; readonly ParameterValue: string };

/** Values of the variables that the list refers to, for the template's parameters. Throws a sentence for one that is not set. */
export const stackParameters = (
  { stack }: Opened,
  environment: Readonly<Record<string, string | undefined>>,
): readonly StackParameter[] =>
  variablesOf(stack.region).map((name) => {
    const value = environment[name];
    if (value === undefined || value === '')
      throw new Error(
        `the list refers to the variable ${name}, which is not set here; set it, or let AWS keep it (ssm)`,
      );
    return { ParameterKey: parameterOf(name), ParameterValue: value };
  });
