import type { Field } from './http1-head.ts';

/** Compares a body with its Content-Length. What is wrong is the end of the sentence "the response ...". */
export type BodyLength = {
  readonly add: (bytes: number) => string | undefined;
  readonly end: () => string | undefined;
};

/**
 * The Content-Length of a head, as Go's client has it: one that is repeated or not a number does not count, since frames say
 * where the body ends. Without a body (`hasBody`) there is nothing to compare.
 */
export const bodyLength = (fields: readonly Field[] | undefined, hasBody: boolean): BodyLength => {
  const lengths = (fields ?? []).filter(([name]) => name === 'content-length').map(([, value]) => value);
  const [text = ''] = lengths;
  // Go counts up to 2^63 - 1.
  const isLength = lengths.length === 1 && /^0*\d{1,19}$/.test(text) && Number(text) < 2 ** 63;
  const wanted = hasBody && isLength ? Number(text) : undefined;
  let length = 0;
  return {
    add: (bytes) => {
      length += bytes;
      return wanted !== undefined && length > wanted ? `has more DATA than its Content-Length of ${wanted}` : undefined;
    },
    end: () =>
      wanted !== undefined && length < wanted ? `ended ${wanted - length} bytes before its Content-Length` : undefined,
  };
};
