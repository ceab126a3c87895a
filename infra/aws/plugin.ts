import { stageTag } from '../../src/net/aws/stacks.ts';
import {
  functionsOf,
  type Opened,
  openStack,
  resourcesOf,
  type StackParameter,
  stackParameters,
  writeZip,
} from './framework.ts';

/** The parts of the serverless framework that a plugin gets to see. */
type Serverless = {
  readonly service: { readonly provider: { stackParameters?: readonly StackParameter[] } };
  readonly classes?: { readonly Error: new (message: string, code: string) => Error };
};

type Source = {
  readonly address: string | null;
  readonly resolveVariable: (name: string) => Promise<unknown>;
};

/**
 * Plugin for the serverless framework: gives `${bothways:…}` in serverless.yml what it renders from the list, and makes the zip.
 * A list that is not sound stops it before anything is made. Secrets that come by the environment become values of parameters
 * when the stack is made, after the framework has written down what it knows.
 */
export class BothwaysPlugin {
  readonly hooks: Readonly<Record<string, () => Promise<void>>>;
  readonly configurationVariablesSources: Readonly<
    Record<string, { readonly resolve: (source: Source) => Promise<{ readonly value: unknown }> }>
  >;

  constructor(serverless: Serverless) {
    let opened: Promise<Opened> | undefined;
    const fail = (error: unknown): never => {
      const message = error instanceof Error ? error.message : String(error);
      const Kind = serverless.classes?.Error;
      throw Kind === undefined ? new Error(message) : new Kind(message, 'BOTHWAYS');
    };
    const open = (resolveVariable: Source['resolveVariable']): Promise<Opened> => {
      opened ??= wanted(resolveVariable).then(openStack).catch(fail);
      return opened;
    };
    this.configurationVariablesSources = {
      bothways: {
        resolve: async ({ address, resolveVariable }) => {
          // A stack is removed by its name alone: the list may no longer have it, or be broken.
          const { BOTHWAYS_STACK: name } = process.env;
          if (name !== undefined) return { value: address === 'stackName' ? name : {} };
          const all = await open(resolveVariable);
          const make = address === null ? undefined : values[address];
          if (make === undefined)
            return fail(new Error(`\${bothways:${address}} is none of ${Object.keys(values).join(', ')}`));
          return { value: make(all) };
        },
      },
    };
    const withList = async (use: (all: Opened) => unknown): Promise<void> => {
      if (opened === undefined) return fail(new Error('serverless.yml takes nothing from this plugin'));
      try {
        await use(await opened);
      } catch (error) {
        fail(error);
      }
    };
    this.hooks = {
      'before:package:initialize': () => withList(writeZip),
      'before:deploy:deploy': () => withList((all) => void stackParameters(all, process.env)),
      // After the framework has written down what it knows, which must not hold a secret, and after it has made the stack, which
      // is empty at first and has no parameters.
      'after:aws:deploy:deploy:uploadArtifacts': () =>
        withList((all) => {
          const given = stackParameters(all, process.env);
          if (given.length > 0) serverless.service.provider.stackParameters = given;
        }),
    };
  }
}

const wanted = async (resolveVariable: Source['resolveVariable']) => {
  const [stage, region] = await Promise.all([resolveVariable('sls:stage'), resolveVariable('self:provider.region')]);
  const { BOTHWAYS_VANTAGE, BOTHWAYS_CONFIG } = process.env;
  return {
    stage: String(stage),
    region: String(region),
    vantage: BOTHWAYS_VANTAGE,
    config: (BOTHWAYS_CONFIG ?? '').split(':').filter((path) => path !== ''),
  };
};

/** What `${bothways:…}` can be. */
const values: Readonly<Record<string, (all: Opened) => unknown>> = {
  stackName: ({ stack }) => stack.name,
  tags: ({ stack }) => ({ [stageTag]: stack.stage, ...stack.aws.tags }),
  functions: functionsOf,
  resources: resourcesOf,
};
