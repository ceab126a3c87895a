import { type S3Object, s3Url } from '../net/aws/s3.ts';

/** Why an object could not be read, in a sentence that names it. */
export const objectProblem = (error: unknown, object: S3Object): string => {
  if (!(error instanceof Error)) return `${s3Url(object)} cannot be read`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined && error.name === 'Error'
    ? error.message
    : `${s3Url(object)} cannot be read: ${code ?? error.name}`;
};
