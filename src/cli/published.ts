import { gunzipSync, gzipSync } from 'node:zlib';
import type { AwsSettings } from '../config/aws.ts';
import { forLambda } from '../config/lambda-files.ts';
import { listText } from '../config/list-text.ts';
import { packList, readPacked } from '../config/packed.ts';
import { listKey } from '../generate/aws/parts.ts';
import type { Aws } from '../net/aws/aws.ts';
import { type S3Object, s3Get, s3Put } from '../net/aws/s3.ts';
import type { OpenList } from './open-list.ts';
import { packableOf } from './package-function.ts';

type Place = NonNullable<AwsSettings['list']>;

/** What is to be in the bucket for a stage: the list of each Lambda vantage, and the list as it was written. */
export type Publication = {
  readonly vantages: readonly { readonly vantage: string; readonly hash: string; readonly text: string }[];
  readonly source: string;
};

/** What a list gives to publish. */
export const publicationOf = (list: OpenList): Publication => {
  const { list: packed } = forLambda(packableOf(list));
  return {
    vantages: packed.vantages.map(({ name }) => {
      const text = packList(packed, name);
      const read = readPacked(text);
      return { vantage: name, hash: read.ok ? read.packed.hash : '', text };
    }),
    source: listText(list.list),
  };
};

/** An object in the bucket: its text and who it is. `undefined` if there is none. */
export type Published = { readonly text: string; readonly etag: string } | undefined;

/** Where an object of a stage is; without a vantage, the list as it was written. */
export const placeOf = ({ bucket, region, prefix }: Place, stage: string, vantage?: string): S3Object => ({
  bucket,
  region,
  key: listKey(prefix, stage, vantage),
});

/** Reads an object of a stage. Rejects with a sentence. */
export const readPublished = async (aws: Aws, place: S3Object): Promise<Published> => {
  const read = await s3Get(aws, place);
  if (read.kind === 'refused') throw new Error(read.why);
  return read.kind === 'content' ? { text: unzipped(read.body), etag: read.etag } : undefined;
};

const unzipped = (body: Buffer): string => {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body.toString('utf8');
  try {
    return gunzipSync(body).toString('utf8');
  } catch {
    return '';
  }
};

/** The bytes of an object with this text. */
export const published = (text: string): Buffer => gzipSync(text);

/** Writes an object, compressed; false if somebody else wrote it since `before` was read. */
export const publish = async (
  aws: Aws,
  place: S3Object,
  text: string,
  before: Published,
  kmsKey?: string,
): Promise<boolean> => {
  const condition = before === undefined ? 'new' : { etag: before.etag };
  return (await s3Put(aws, place, published(text), condition, kmsKey)) !== undefined;
};

/** The hash of a packed list, or a few words about what is there instead. */
export const hashIn = (published: Published): string => {
  if (published === undefined) return 'none';
  const read = readPacked(published.text);
  return read.ok ? read.packed.hash : 'no list of ours';
};
