import * as z from 'zod';
import { loadTexts } from '../config/load.ts';
import type { Aws } from '../net/aws/aws.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { s3Url } from '../net/aws/s3.ts';
import { kit as makeKit } from '../net/kit.ts';
import { jsonText } from '../protocol/json-text.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { linesOf, stageFlag } from './deploy.ts';
import { goneVantages, goneWarning } from './gone-vantages.ts';
import { listDifference } from './list-difference.ts';
import { openList, proberTable } from './open-list.ts';
import { hashIn, placeOf, publicationOf, readPublished } from './published.ts';
import { type ListWork, pushList, writeOut } from './push-list.ts';
import { listFlag } from './usual-config.ts';

/** `bothways targets push|pull|diff`: the list in the bucket that functions read. */
export const targets = defineCommand({
  name: 'targets',
  summary: 'Writes the list to the bucket that functions read it from, or compares the two.',
  details:
    '`push` checks the list, compiles it and writes it; functions use it from their next run on, without a deployment. `pull` prints the list that is in the bucket; `diff` says what differs, and exits with 1 if something does. The bucket is `aws.list` in the list.',
  positional: ['action'],
  args: z.strictObject({
    action: z
      .enum(['push', 'pull', 'diff'], { error: 'write push, pull or diff' })
      .describe('push, pull or diff.')
      .meta({ value: 'ACTION' }),
    config: listFlag,
    stage: stageFlag,
    out: z
      .string()
      .optional()
      .describe('With push: writes the objects into this folder, for whoever uploads them otherwise.')
      .meta({ value: 'DIR' }),
    allowEmpty: z.boolean().default(false).describe('With push: writes a list that has functions probe nothing.'),
    ifConfigured: z
      .boolean()
      .default(false)
      .describe('With push: does nothing, and exits with 0, when the list names no bucket.'),
    json: z.boolean().default(false).describe('Prints a JSON object.'),
  }),
  examples: [
    'bothways targets push --stage prod',
    'bothways targets push --stage prod --out objects',
    'bothways targets diff --stage prod',
    'bothways targets pull --stage prod > list.yml',
  ],
  run: async ({ action, config, stage, out, allowEmpty, ifConfigured, json }, io) => {
    const list = await openList(config, io);
    if (list === undefined) return 2;
    const place = list.list.aws?.list;
    if (place === undefined && action === 'push' && ifConfigured) {
      io.stderr.write('the list names no bucket, so there is nothing to push\n');
      return 0;
    }
    if (place === undefined)
      return wrongUsage(
        io,
        'the list names no bucket; write `aws: { list: { bucket: NAME, region: REGION } }` and deploy once',
      );
    if (action !== 'push') {
      const [flag] = Object.entries({ '--out': out, '--allow-empty': allowEmpty, '--if-configured': ifConfigured })
        .filter(([, given]) => given !== undefined && given !== false)
        .map(([name]) => name);
      if (flag !== undefined) return wrongUsage(io, `${flag} is for push`);
    }
    const work = { list, place, stage, json, allowEmpty };
    if (out !== undefined) return await writeOut({ ...work, out }, io);
    await using kit = makeKit({ environment: io.environment, askForCredentials: askAwsCommandLine });
    try {
      return await actions[action]({ ...work, aws: kit.aws }, io);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const message = error instanceof Error && error.message !== '' ? error.message : code;
      io.stderr.write(`bothways: ${message}\n`);
      return 1;
    }
  },
});

type Work = ListWork & { readonly aws: Aws };

const pull = async ({ place, stage, json, aws }: Work, io: Io): Promise<ExitCode> => {
  const at = placeOf(place, stage);
  const there = await readPublished(aws, at);
  if (there === undefined) return nothing(s3Url(at), io);
  io.stdout.write(json ? `${jsonText({ stage, list: there.text })}\n` : there.text);
  return 0;
};

const diff = async ({ list, place, stage, json, aws }: Work, io: Io): Promise<ExitCode> => {
  const { vantages } = publicationOf(list);
  const at = placeOf(place, stage);
  const there = await readPublished(aws, at);
  if (there === undefined) return nothing(s3Url(at), io);
  const loaded = loadTexts([{ file: s3Url(at), text: there.text }], { probers: proberTable });
  const changes = loaded.ok ? listDifference(loaded.compiled.checks, list.checks) : undefined;
  const stale: (readonly [string, string])[] = [];
  for (const { vantage, hash } of vantages) {
    const running = hashIn(await readPublished(aws, placeOf(place, stage, vantage)));
    if (running !== hash) stale.push([vantage, `${running} -> ${hash}`]);
  }
  const gone = goneVantages(there, list);
  for (const { vantage } of gone) {
    const running = hashIn(await readPublished(aws, placeOf(place, stage, vantage)));
    stale.push([vantage, `${running} -> none`]);
  }
  const differs = stale.length > 0 || (changes?.length ?? 1) > 0;
  if (json) io.stdout.write(`${jsonText({ stage, differs, changes, vantages: Object.fromEntries(stale) })}\n`);
  else {
    if (!loaded.ok) io.stderr.write(`warning: ${s3Url(at)} is no list that this version reads\n`);
    for (const one of gone) io.stderr.write(`warning: ${goneWarning(one, stage)}\n`);
    io.stdout.write(linesOf(changes ?? []));
    io.stdout.write(linesOf(stale.map(([vantage, hashes]) => ['list of', vantage, hashes])));
    if (!differs) io.stdout.write('What functions read is what the list says.\n');
  }
  return differs ? 1 : 0;
};

const nothing = (where: string, io: Io): 1 => {
  io.stderr.write(`bothways: there is no ${where}; \`bothways targets push\` writes it\n`);
  return 1;
};

const actions = { push: pushList, pull, diff } as const;
