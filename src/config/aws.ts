import * as z from 'zod';

// The serverless framework puts something in place of `${…}` wherever it meets it: a file, a variable. No pattern here lets one in.

const arn = (what: 'policy' | 'role') =>
  z
    .string()
    .regex(
      new RegExp(`^arn:aws[a-z-]*:iam::\\d{12}:${what}/[\\w+=,.@/-]+$`),
      `write an ARN: arn:aws:iam::ACCOUNT:${what}/NAME`,
    );

const key = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/,
    'write the ARN of the key itself, arn:aws:kms:REGION:ACCOUNT:key/ID; logs take no alias, and rights hold for no alias',
  );

const tagLetters = /^[\p{L}\p{Z}\p{N}_.:/=+@-]*$/u;
const tagSentence = 'a tag has letters, digits, blanks and _ . : / = + - @ alone';
/** A resource has fifty; one is ours, and one the framework's. */
const mostTags = 48;

/** @see https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices */
const tags = z
  .record(
    z
      .string()
      .min(1)
      .max(128)
      .regex(tagLetters, tagSentence)
      .refine((name) => !/^aws:/i.test(name), { error: 'names that begin with aws: are for AWS alone' })
      .refine((name) => !/^bothways:/i.test(name), {
        error: 'names that begin with bothways: are ours, and stacks are found by them',
      }),
    z.string().max(256).regex(tagLetters, tagSentence),
  )
  .refine((all) => Object.keys(all).length <= mostTags, { error: `AWS takes ${mostTags} tags beside ours` })
  .refine((all) => new Set(Object.keys(all).map((name) => name.toLowerCase())).size === Object.keys(all).length, {
    error: 'roles take names that differ in capitals for one tag; write it once',
  });

/** Name of a cluster: part of a key, and of the names of its targets. */
export const clusterName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'write lower-case letters, digits and hyphens, 41 at most');

/** How many targets functions take from a cluster whose entry says nothing. */
export const usualMostTargets = 100;

/** A cluster that functions listen to: its name, or that and how many of its targets they take. */
const listenedCluster = z.union([
  clusterName,
  z.strictObject({
    name: clusterName.describe('Name of the cluster.'),
    max_targets: z
      .int()
      .min(1)
      .max(10_000)
      .default(usualMostTargets)
      .describe(
        'At most so many of its targets are probed; the first by name. Shards and costs are planned for all of them.',
      ),
  }),
]);

/** Network of a Lambda function. */
export const vpcSettings = z.strictObject({
  subnet_ids: z
    .array(z.string().regex(/^subnet-[0-9a-f]+$/, 'write the id of a subnet: subnet-0123456789abcdef0'))
    .min(1)
    .describe('Subnets of the function.'),
  security_group_ids: z
    .array(z.string().regex(/^sg-[0-9a-f]+$/, 'write the id of a security group: sg-0123456789abcdef0'))
    .min(1)
    .describe('Security groups of the function.'),
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
  permissions_boundary: arn('policy').optional().describe('Policy that bounds all roles.'),
  iam_path: z
    .string()
    .regex(/^\/(?:[\w+=,.@-]+\/)*$/, 'write a path that begins and ends with a slash, for example /teams/edge/')
    .optional()
    .describe('Path of all roles.'),
  role_arn: arn('role').optional().describe('Role of the functions, where you may not make one.'),
  schedule_role_arn: arn('role').optional().describe('Role of the schedules, where you may not make one.'),
  kms_key: key
    .optional()
    .describe(
      'Key for environment, logs and parameters: of the region that all functions are in, or a multi-region key (mrk-) with a replica in each of theirs.',
    ),
  tags: tags.default({}).describe('Tags of all resources.'),
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
      region: z
        .string()
        .regex(/^[a-z]{2}(?:-[a-z]+)+-\d+$/, 'write a region, for example eu-west-1')
        .describe('Region of the bucket.'),
      prefix: z
        .string()
        .regex(/^(?:[\w!.*'()-]+\/)*$/, 'write a prefix that ends with a slash, for example bothways/')
        .default('bothways/')
        .describe('Start of the keys; the stage follows.'),
      kms_key: key.optional().describe('Key that the objects are encrypted with, of the region of the bucket.'),
      clusters: z
        .array(listenedCluster)
        .max(20)
        .refine((clusters) => new Set(clusters.map(nameOf)).size === clusters.length, {
          error: 'a cluster is named twice',
        })
        .default([])
        .describe('Clusters whose agents publish targets there (`discover.publish`); functions probe those too.'),
    })
    .optional()
    .describe('Where functions read a newer list than the one they were deployed with; see `bothways targets push`.'),
});

const nameOf = (cluster: z.output<typeof listenedCluster>): string =>
  typeof cluster === 'string' ? cluster : cluster.name;

/** The clusters that the functions of a list listen to, and how many targets they take from each. */
export const clustersOf = (
  aws: { readonly list?: Pick<NonNullable<AwsSettings['list']>, 'clusters'> | undefined } | undefined,
): readonly { readonly name: string; readonly mostTargets: number }[] =>
  (aws?.list?.clusters ?? []).map((cluster) => ({
    name: nameOf(cluster),
    mostTargets: typeof cluster === 'string' ? usualMostTargets : cluster.max_targets,
  }));

/** See {@link awsSettings}. */
export type AwsSettings = z.output<typeof awsSettings>;

/** See {@link vpcSettings}. */
export type VpcSettings = z.output<typeof vpcSettings>;
