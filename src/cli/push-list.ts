import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AwsSettings } from '../config/aws.ts';
import { regionsOf } from '../generate/regions.ts';
import type { Aws } from '../net/aws/aws.ts';
import { s3Url } from '../net/aws/s3.ts';
import { jsonText } from '../protocol/json-text.ts';
import { type ExitCode, type Io, wrongUsage } from './command.ts';
import { linesOf } from './deploy.ts';
import { goneVantages, goneWarning } from './gone-vantages.ts';
import type { OpenList } from './open-list.ts';
import { openSecrets } from './open-secrets.ts';
import { hashIn, type Publication, placeOf, publicationOf, publish, published, readPublished } from './published.ts';
import { pushWarnings } from './push-warnings.ts';

/** A list, the bucket it is for, and what was asked. */
export type ListWork = {
  readonly list: OpenList;
  readonly place: NonNullable<AwsSettings['list']>;
  readonly stage: string;
  readonly json: boolean;
  readonly allowEmpty: boolean;
};

/** Why a list is not to be published, or `undefined`. */
const unpublishable = ({ list, place, allowEmpty }: ListWork, { vantages }: Publication): string | undefined => {
  const secrets = openSecrets(list.literals);
  if (secrets !== undefined) return secrets;
  if (vantages.length === 0) return 'the list has no Lambda vantage';
  const probes = regionsOf(list).length > 0 || place.clusters.length > 0;
  return probes || allowEmpty
    ? undefined
    : 'no target of the list is probed from a Lambda vantage, so functions would probe nothing; write --allow-empty if that is meant';
};

/** Writes what `push` would upload into a folder, by the keys of the objects. */
export const writeOut = async (work: ListWork & { readonly out: string }, io: Io): Promise<ExitCode> => {
  const { list, place, stage, out } = work;
  const publication = publicationOf(list);
  const problem = unpublishable(work, publication);
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

/** Writes the list of each vantage, and the list itself, into the bucket. Rejects with a sentence. */
export const pushList = async (work: ListWork & { readonly aws: Aws }, io: Io): Promise<ExitCode> => {
  const { list, place, stage, json, aws } = work;
  const publication = publicationOf(list);
  const problem = unpublishable(work, publication);
  if (problem !== undefined) return wrongUsage(io, problem);
  const { vantages, source } = publication;
  const rows: { readonly vantage: string; readonly before: string; readonly hash: string }[] = [];
  const warn = (text: string) => io.stderr.write(`warning: ${text}\n`);
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
    for (const said of pushWarnings(there?.text, text)) warn(`${vantage}: ${said}: bothways deploy --stage ${stage}`);
  }
  for (const gone of goneVantages(written, list)) warn(goneWarning(gone, stage));
  // Last, so that the list that people see is never newer than what functions have.
  const at = placeOf(place, stage);
  if (written?.text !== source && !(await publish(aws, at, source, written, place.kms_key))) return lost(s3Url(at));
  const lines = rows.map(({ vantage, before, hash }) => [
    vantage,
    before === hash ? 'unchanged' : `${before} -> ${hash}`,
  ]);
  io.stdout.write(json ? `${jsonText({ stage, pushed: rows })}\n` : linesOf(lines));
  return 0;
};
