import { codeOf } from '../failure.ts';
import { type Aws, answerTooLong, awsCode, awsProblem } from './aws.ts';

/** An object in S3, and the region of its bucket. `key` has no slash at its start. */
export type S3Object = { readonly bucket: string; readonly key: string; readonly region: string };

/**
 * What reading an object gave: it is as it was, it is not there, its content, or that we may not know: to whoever lacks
 * `s3:ListBucket` a missing object looks like one that must not be read. `why` is a sentence.
 */
export type S3Read =
  | { readonly kind: 'same' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'content'; readonly etag: string; readonly body: Buffer };

/** `s3://bucket/key`, for messages. */
export const s3Url = ({ bucket, key }: Pick<S3Object, 'bucket' | 'key'>): string => `s3://${bucket}/${key}`;

/**
 * Reads an object unless it is still the one that `etag` names. Rejects with a sentence; so it does where there is no bucket. Of an
 * object of more than `mostBytes` no more than that is read.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export const s3Get = async (
  aws: Aws,
  object: S3Object,
  etag?: string,
  signal?: AbortSignal,
  mostBytes?: number,
): Promise<S3Read> => {
  const headers = etag === undefined ? {} : { 'If-None-Match': etag };
  const bound = mostBytes === undefined ? {} : { mostBytes };
  const answer = await aws
    .call({ service: 's3', ...at(object), method: 'GET', headers, ...bound }, signal)
    .catch((error: unknown) => {
      if (mostBytes === undefined || codeOf(error) !== answerTooLong) throw error;
      throw new Error(`${s3Url(object)} is larger than ${mebibytes(mostBytes)}`);
    });
  if (answer.status === 304) return { kind: 'same' };
  if (answer.status === 404 && awsCode(answer) !== 'NoSuchBucket') return { kind: 'missing' };
  const why = `${s3Url(object)} cannot be read: ${awsProblem(answer)}`;
  if (answer.status === 403 && awsCode(answer) === 'AccessDenied') return { kind: 'refused', why: `${why}; ${alike}` };
  if (answer.status !== 200) throw new Error(why);
  const length = answer.headers['content-length'];
  if (length !== undefined && Number(length) !== answer.body.length)
    throw new Error(`${s3Url(object)} was cut off while it was read`);
  return { kind: 'content', etag: answer.headers.etag ?? '', body: answer.body };
};

/** A number of bytes in words: `2 MiB`. */
export const mebibytes = (bytes: number): string => `${Math.round((bytes / 1_048_576) * 10) / 10} MiB`;

const alike = 'an object that is not there looks the same without the right s3:ListBucket';

/** Who the object must still be for a write: the one with this ETag, none at all, or whoever. */
export type S3Condition = { readonly etag: string } | 'new' | 'any';

/**
 * Writes an object whole and gives its ETag; `undefined` if somebody else changed it meanwhile. Rejects with a sentence.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export const s3Put = async (
  aws: Aws,
  object: S3Object,
  body: string | Uint8Array,
  condition: S3Condition,
  kmsKey?: string,
): Promise<string | undefined> => {
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    ...(condition === 'any' ? {} : condition === 'new' ? { 'If-None-Match': '*' } : { 'If-Match': condition.etag }),
    ...(kmsKey === undefined
      ? {}
      : { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': kmsKey }),
  };
  const answer = await aws.call({ service: 's3', ...at(object), method: 'PUT', headers, body });
  if (answer.status === 412 || answer.status === 409) {
    // A write whose answer was lost is tried again, and then meets itself.
    const there = await s3Get(aws, object).catch(() => undefined);
    return there?.kind === 'content' && there.body.equals(Buffer.from(body)) ? there.etag : undefined;
  }
  // What was to be replaced has been taken away.
  if (answer.status === 404 && awsCode(answer) === 'NoSuchKey') return undefined;
  if (answer.status !== 200) throw new Error(`${s3Url(object)} cannot be written: ${awsProblem(answer)}`);
  return answer.headers.etag ?? '';
};

const at = ({ bucket, key, region }: S3Object) => ({
  bucket,
  region,
  path: `/${key.split('/').map(encoded).join('/')}`,
});

/** By RFC 3986, as signatures have it: more letters than JavaScript's own. */
const encoded = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
