import { type Aws, awsProblem } from './aws.ts';

/** A stack that is there. */
export type ThereStack = { readonly name: string; readonly region: string; readonly status: string };

/** The tag by which our stacks are known, whatever their names look like. */
export const stageTag = 'bothways:stage';

/**
 * The stacks of a stage in a region. Rejects with a sentence or code if the region cannot be asked.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
 */
export const stacksOf = async (
  aws: Aws,
  region: string,
  stage: string,
  signal?: AbortSignal,
): Promise<readonly ThereStack[]> => {
  const found: ThereStack[] = [];
  for (let token: string | undefined = ''; token !== undefined; ) {
    const form = new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15' });
    if (token !== '') form.set('NextToken', token);
    const answer = await aws.call(
      {
        service: 'cloudformation',
        region,
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      },
      signal,
    );
    if (answer.status !== 200) throw new Error(awsProblem(answer));
    const text = answer.body.toString('utf8');
    // Each stack has one id, and all else that is nested in it comes after.
    for (const one of text.split('<StackId>').slice(1)) {
      const [name, status] = [part(one, 'StackName'), part(one, 'StackStatus')];
      if (name !== undefined && status !== undefined && tagsIn(one).get(stageTag) === stage)
        found.push({ name, region, status });
    }
    token = part(text, 'NextToken');
  }
  return found;
};

const part = (text: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];

const tagsIn = (text: string): ReadonlyMap<string, string> => {
  const [, tags = ''] = /<Tags>(.*?)<\/Tags>/s.exec(text) ?? [];
  return new Map(tags.split('</member>').map((one) => [part(one, 'Key') ?? '', part(one, 'Value') ?? '']));
};
