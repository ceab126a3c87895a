import { gunzipSync } from 'node:zlib';
import { type ClusterRules, clusterCheckProblem, shapedCheck } from '../config/from-cluster.ts';
import { forLambda } from '../config/lambda-files.ts';
import { packList, readPacked } from '../config/packed.ts';
import type { List } from '../config/schema.ts';
import { clusterKey } from '../generate/aws/parts.ts';
import type { Check, EpochMs, Vantage } from '../kernel/check.ts';
import type { S3Object } from '../net/aws/s3.ts';

/** Where what a cluster has is written for the functions of a vantage. */
export type Place = { readonly vantage: Vantage; readonly at: S3Object; readonly kmsKey: string | undefined };

/** The places that a list publishes to: one for each of its Lambda vantages. */
export const placesOf = ({ aws, discover, vantages }: List): readonly Place[] => {
  const list = aws?.list;
  const publish = discover?.publish;
  if (list === undefined || publish === undefined) return [];
  return Object.entries(vantages)
    .filter(([, { kind }]) => kind === 'lambda')
    .map(([name, { region = name }]) => ({
      vantage: { name, kind: 'lambda', region, labels: {} },
      at: {
        bucket: list.bucket,
        region: list.region,
        key: clusterKey(list.prefix, publish.stage, publish.cluster, name),
      },
      kmsKey: list.kms_key,
    }));
};

/** The checks of a vantage as its functions read them: nothing but checks, since receivers and secrets are the deployed list's. */
export const packedFor = ({ name, ...rest }: Vantage, checks: readonly Check[], writtenAt?: EpochMs): string => {
  const own = checks.filter((check) => check.vantage.name === name);
  const vantages = [own[0]?.vantage ?? { name, ...rest }];
  const { list } = forLambda({ checks: own, vantages, endpoints: [], literals: new Map(), externalLabels: {} });
  return packList(list, name, writtenAt);
};

/** The checks that an agent before this one has published for a vantage, as far as functions take them. */
export const publishedIn = (body: Buffer, vantage: Vantage, rules: ClusterRules): readonly Check[] => {
  const read = readPacked(unzipped(body));
  if (!read.ok) return [];
  return read.packed.checks.flatMap((value) => {
    const shaped = shapedCheck(value);
    if (shaped === undefined || shaped.vantage.name !== vantage.name) return [];
    const check = { ...shaped, vantage };
    return clusterCheckProblem(check, rules) === undefined ? [check] : [];
  });
};

const mostBytes = 64 * 1_024 * 1_024;

const unzipped = (body: Buffer): string => {
  try {
    return body[0] === 0x1f ? gunzipSync(body, { maxOutputLength: mostBytes }).toString('utf8') : body.toString('utf8');
  } catch {
    return '';
  }
};
