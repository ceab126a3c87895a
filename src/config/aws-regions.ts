import { nearest } from '../protocol/nearest.ts';

/**
 * Regions of AWS that have Lambda and EventBridge Scheduler, as of November 2026.
 * @see https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
 */
export const awsRegions: readonly string[] = [
  'af-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'ca-central-1',
  'ca-west-1',
  'cn-north-1',
  'cn-northwest-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'mx-central-1',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-gov-east-1',
  'us-gov-west-1',
  'us-west-1',
  'us-west-2',
];

const known = new Set(awsRegions);
const shape = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/**
 * Why a region cannot be deployed to, or `undefined`. One that we do not know is taken if it has a region's form and was
 * written on purpose, since AWS opens new ones.
 */
export const regionProblem = (region: string, onPurpose: boolean): string | undefined => {
  if (known.has(region) || (onPurpose && shape.test(region))) return undefined;
  const meant = nearest(region, awsRegions);
  const advice = meant === undefined ? 'write for example `region: eu-west-1`' : `did you mean ${meant}?`;
  const newer = shape.test(region) && !onPurpose ? ` If it is new, write \`region: ${region}\`.` : '';
  return `${JSON.stringify(region)} is no region of AWS that we know; ${advice}${newer}`;
};
