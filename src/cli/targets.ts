import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { loadTexts } from '../config/load.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { s3Url } from '../net/aws/s3.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Aws } from '../net/aws/aws.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { linesOf, stageFlag } from './deploy.ts';
import { listDifference } from './list-difference.ts';
import { type OpenList, openList, proberTable } from './open-list.ts';
import { hashIn, placeOf, type Publication, publicationOf, publish, published, readPublished } from './published.ts';
import { listFlag, usualConfig } from './usual-config.ts';

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
    json: z.boolean().default(false).describe('Prints a JSON object.'),
  }),
  examples: [
    'bothways targets push --stage prod',
    'bothways targets push --stage prod --out objects',
    'bothways targets diff --stage prod',
    'bothways targets pull --stage prod > list.yml',
  ],
  run: async ({ action, config, stage, out, json }, io) => {
    const paths = usualConfig(config);
    if (paths.length === 0) return wrongUsage(io, 'targets needs a list: --config FILE');
    const list = await openList(paths, io);
    if (list === undefined) return 2;
    const place = list.list.aws?.list;
    if (place === undefined)
      return wrongUsage(
        io,
        'the list names no bucket; write `aws: { list: { bucket: NAME, region: REGION } }` and deploy once',
      );
    if (out !== undefined && action !== 'push') return wrongUsage(io, '--out is for push');
    if (out !== undefined) return await writeOut({ list, place, stage, out }, io);
    await using kit = makeKit({ environment: io.environment, askForCredentials: askAwsCommandLine });
    const work = { list, place, stage, json, aws: kit.aws };
    try {
      return await actions[action](work, io);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const message = error instanceof Error && error.message !== '' ? error.message : code;
      io.stderr.write(`bothways: ${message}\n`);
      return 1;
    }
  },
});

type Work = {
  readonly list: OpenList;
  readonly place: Parameters<typeof placeOf>[0];
  readonly stage: string;
  readonly json: boolean;
  readonly aws: Aws;
};

/** Why a list is not to be published, or `undefined`. */
const unpublishable = ({ literals }: OpenList, { vantages }: Publication): string | undefined => {
  const [first] = literals.keys();
  if (first !== undefined)
    return `${literals.size} secrets stand in the open, the first at ${first.replace(/^literal:/, '')}; write references`;
  return vantages.length === 0 ? 'the list has no Lambda vantage' : undefined;
};

/** Writes what `push` would upload into a folder, by the keys of the objects. */
const writeOut = async (
  { list, place, stage, out }: Pick<Work, 'list' | 'place' | 'stage'> & { readonly out: string },
  io: Io,
): Promise<ExitCode> => {
  const publication = publicationOf(list);
  const problem = unpublishable(list, publication);
  if (problem !== undefined) return wrongUsage(io, problem);
  const objects = [
    ...publication.vantages.map(({ vantage, text }) => ({ at: placeOf(place, stage, vantage), text })),
    { at: placeOf(place, stage), text: publication.source },
  ];
  try {
    for (const { at, text } of objects) {
      const path = join(out, at.key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, published(text));
      io.stdout.write(`${path}\n`);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return wrongUsage(io, `--out ${out} cannot be written to: ${code}`);
  }
  return 0;
};

const push = async ({ list, place, stage, json, aws }: Work, io: Io): Promise<ExitCode> => {
  const publication = publicationOf(list);
  const problem = unpublishable(list, publication);
  if (problem !== undefined) return wrongUsage(io, problem);
  const { vantages, source } = publication;
  const rows: { readonly vantage: string; readonly before: string; readonly hash: string }[] = [];
  const lost = (what: string) => {
    io.stderr.write(
      `bothways: somebody else pushed ${what} meanwhile; look at \`bothways targets diff\` and push again\n`,
    );
    return 1 as const;
  };
  const written = await readPublished(aws, placeOf(place, stage));
  for (const { vantage, hash, text } of vantages) {
    const at = placeOf(place, stage, vantage);
    const there = await readPublished(aws, at);
    const before = hashIn(there);
    if (before !== hash && !(await publish(aws, at, text, there, place.kms_key))) return lost(s3Url(at));
    rows.push({ vantage, before, hash });
  }
  // Last, so that the list that people see is never newer than what functions have.
  const at = placeOf(place, stage);
  if (written?.text !== source && !(await publish(aws, at, source, written, place.kms_key))) return lost(s3Url(at));
  const lines = rows.map(({ vantage, before, hash }) => [
    vantage,
    before === hash ? 'unchanged' : `${before} -> ${hash}`,
  ]);
  io.stdout.write(json ? `${JSON.stringify({ stage, pushed: rows })}\n` : linesOf(lines));
  return 0;
};

const pull = async ({ place, stage, json, aws }: Work, io: Io): Promise<ExitCode> => {
  const at = placeOf(place, stage);
  const there = await readPublished(aws, at);
  if (there === undefined) return nothing(s3Url(at), io);
  io.stdout.write(json ? `${JSON.stringify({ stage, list: there.text })}\n` : there.text);
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
  const differs = stale.length > 0 || (changes?.length ?? 1) > 0;
  if (json) io.stdout.write(`${JSON.stringify({ stage, differs, changes, vantages: Object.fromEntries(stale) })}\n`);
  else {
    if (!loaded.ok) io.stderr.write(`warning: ${s3Url(at)} is no list that this version reads\n`);
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

const actions = { push, pull, diff } as const;
