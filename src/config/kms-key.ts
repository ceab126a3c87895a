/** Everything of a key's ARN up to its region, that, and the rest. */
const parts = /^(arn:[^:]+:kms:)([^:]*)(:.*)$/;

/**
 * The ARN of a key as it is in a region, `*` for all of them: a multi-region key is there under the same id, if it has a replica
 * there; any other stays in its own.
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
 */
export const keyIn = (key: string, region: string): string =>
  key.includes(':key/mrk-') ? key.replace(parts, `$1${region}$3`) : key;

/** The region of a key. */
export const regionIn = (key: string): string => parts.exec(key)?.[2] ?? '';
