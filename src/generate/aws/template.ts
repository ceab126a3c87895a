import type { AwsSettings } from '../../config/aws.ts';
import { stageTag } from '../../net/aws/stacks.ts';
import type { Region } from '../regions.ts';

/** A CloudFormation template as plain data. */
export type Template = {
  readonly AWSTemplateFormatVersion: '2010-09-09';
  readonly Description: string;
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Description: string; readonly Value: unknown }>>;
};

/** A parameter of a template. */
export type Parameter = { readonly Type: 'String'; readonly Description: string; readonly NoEcho?: true };

/** A resource of a template. */
export type Resource = {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: 'Delete';
};

/** What a role may do. */
export type Statement = {
  readonly Sid: string;
  /** `Allow` unless given. */
  readonly Effect?: 'Deny';
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: object;
};

/** What a stack is made for. */
export type Stack = {
  readonly region: Region;
  readonly aws: Partial<AwsSettings>;
  /** Part of all names, so that several may stand side by side. */
  readonly stage: string;
  /** `bothways-STAGE-VANTAGE`: name of the function, and start of all others. */
  readonly name: string;
};

/** What a row of the table of parts adds to a stack. */
export type Part = {
  readonly resources?: Readonly<Record<string, Resource>>;
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** What the function may do for it. */
  readonly statements?: readonly Statement[];
  /** What the function is told for it. */
  readonly environment?: Readonly<Record<string, unknown>>;
};

/** Logical names that resources of several parts refer to; the serverless framework gives its own the same. */
export const logical = {
  function: 'ProbeLambdaFunction',
  logs: 'ProbeLogGroup',
  once: 'ProbeLambdaEvConf',
  role: 'ProbeRole',
} as const;

/** `{ 'Fn::Sub': text }`: CloudFormation puts account, region and partition in. */
export const sub = (text: string) => ({ 'Fn::Sub': text });

/** The ARN of something in the stack's own account. `{region}` is the stack's unless given. */
export const arn = (service: string, what: string, region = `\${AWS::Region}`) =>
  sub(`arn:\${AWS::Partition}:${service}:${region}:\${AWS::AccountId}:${what}`);

/** Tags as most resources have them. */
export const tagsOf = ({ aws: { tags = {} }, stage }: Pick<Stack, 'aws' | 'stage'>) =>
  Object.entries({ [stageTag]: stage, ...tags }).map(([Key, Value]) => ({ Key, Value }));
