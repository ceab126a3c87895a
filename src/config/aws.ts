import * as z from 'zod';

const arn = (service: string, what: string) =>
  z
    .string()
    .regex(new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]*:\\d{12}:${what}`), `write an ARN: arn:aws:${service}:…`);

/** Name of a cluster: part of a key, and of the names of its targets. */
export const clusterName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'write lower-case letters, digits and hyphens, 41 at most');

/** Network of a Lambda function. */
export const vpcSettings = z.strictObject({
  subnet_ids: z.array(z.string().min(1)).min(1).describe('Subnets of the function.'),
  security_group_ids: z.array(z.string().min(1)).min(1).describe('Security groups of the function.'),
  ipv6: z
    .boolean()
    .default(false)
    .describe('The subnets are dual-stack and the function may use IPv6; then IPv6 targets can be probed from here.'),
});

const days = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/** What the stacks of all Lambda vantages have in common, as far as an account has its own rules. */
export const awsSettings = z.strictObject({
  memory: z
    .int()
    .min(128)
    .max(10_240)
    .default(512)
    .describe('Memory of a function in megabytes; its CPU share follows.'),
  log_retention_days: z
    .int()
    .refine((value) => days.includes(value), { error: `write one of ${days.join(', ')}` })
    .default(14)
    .describe('How long logs are kept; one of the numbers that CloudWatch knows.'),
  permissions_boundary: arn('iam', 'policy/').optional().describe('Policy that bounds all roles.'),
  iam_path: z
    .string()
    .regex(/^\/(?:[\w+=,.@-]+\/)*$/, 'write a path that begins and ends with a slash, for example /teams/edge/')
    .optional()
    .describe('Path of all roles.'),
  role_arn: arn('iam', 'role/').optional().describe('Role of the functions, where you may not make one.'),
  schedule_role_arn: arn('iam', 'role/').optional().describe('Role of the schedules, where you may not make one.'),
  kms_key: arn('kms', '(?:key|alias)/')
    .optional()
    .describe('Key for environment, logs and parameters; of one region, or a multi-region key.'),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}).describe('Tags of all resources.'),
  alarm_topic: z
    .string()
    .regex(/^[\w-]{1,256}$/, 'write the name of an SNS topic, without its ARN')
    .optional()
    .describe('SNS topic that alarms go to; the one of this name in each region.'),
  vpc: vpcSettings.optional().describe('Network of the functions, where all are in one region.'),
  list: z
    .strictObject({
      bucket: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'write the name of a bucket, without s3://')
        .describe('A bucket of yours; versioning makes every list of the past readable.'),
      region: z.string().min(1).describe('Region of the bucket.'),
      prefix: z
        .string()
        .regex(/^(?:[\w!.*'()-]+\/)*$/, 'write a prefix that ends with a slash, for example bothways/')
        .default('bothways/')
        .describe('Start of the keys; the stage follows.'),
      kms_key: arn('kms', 'key/').optional().describe('Key that the objects are encrypted with.'),
      clusters: z
        .array(clusterName)
        .max(20)
        .default([])
        .describe('Clusters whose agents publish targets there (`discover.publish`); functions probe those too.'),
    })
    .optional()
    .describe('Where functions read a newer list than the one they were deployed with; see `bothways targets push`.'),
});

/** See {@link awsSettings}. */
export type AwsSettings = z.output<typeof awsSettings>;

/** See {@link vpcSettings}. */
export type VpcSettings = z.output<typeof vpcSettings>;
