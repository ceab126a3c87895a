// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation puts these in, not JavaScript
import type { Part, Stack } from './template.ts';

/**
 * What AWS takes of one function and its stack.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html for the variables, in bytes
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html for a role's own policies, in letters
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html for the parameters
 */
const limits = { variableBytes: 4_096, policyLetters: 10_240, parameters: 200 } as const;

/** The two parameters that name the zip of the function. */
const ofTheZip = 2;

/**
 * Why AWS would refuse a stack though each of its parts is sound: too many references, or too many clusters. Values of secrets are
 * not known here and count nothing. `undefined` if it is within all limits.
 */
export const overLimit = ({ region, aws }: Stack, parts: readonly Part[]): string | undefined => {
  const parameters = parts.flatMap((part) => Object.keys(part.parameters ?? {})).length;
  if (parameters + ofTheZip > limits.parameters)
    return `${region.vantage} has ${parameters} references \`\${env:…}\`, and a stack takes ${limits.parameters - ofTheZip}; keep some in Parameter Store or let targets share them`;
  const bytes = Object.entries(Object.assign({}, ...parts.map(({ environment }) => environment ?? {}))).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 0),
    0,
  );
  if (bytes > limits.variableBytes)
    return `the variables of ${region.vantage} have ${bytes} bytes, and Lambda takes ${limits.variableBytes}; name fewer clusters in aws.list, or shorten its prefix`;
  const letters = policyLetters(region.region, parts);
  if (aws.role_arn === undefined && letters > limits.policyLetters)
    return `the rights of ${region.vantage} have ${letters} letters, and a role takes ${limits.policyLetters}: it reads ${region.secrets.length} secrets, each by its name; let targets share secrets, or write aws.role_arn with a role that may read them by a common path`;
  return undefined;
};

/** The length of the function's policy as IAM counts it: without blanks, and with names in place of what stands for them. */
const policyLetters = (region: string, parts: readonly Part[]): number => {
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  const statements = parts.flatMap((part) => part.statements ?? []);
  const allowed = statements.map((statement) => ({ Effect: 'Allow', ...statement }));
  return JSON.stringify({ Version: '2012-10-17', Statement: allowed }, (_, value) => resolved(value))
    .replaceAll('${AWS::Partition}', partition)
    .replaceAll('${AWS::Region}', region)
    .replaceAll('${AWS::AccountId}', '123456789012').length;
};

/** The text of a `Fn::Sub`; anything else as it is. */
const resolved = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'Fn::Sub' in value ? value['Fn::Sub'] : value;
