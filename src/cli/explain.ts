import * as z from 'zod';
import type { ProberTable } from '../config/schema.ts';
import type { Topic } from '../generate/topic.ts';
import { probers } from '../probers/index.ts';
import { jsonText } from '../protocol/json-text.ts';
import { nearest } from '../protocol/nearest.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { paint } from './paint.ts';
import { topicsOf } from './topics.ts';

/** `bothways explain NAME`: what a reason, phase, metric, prober, module or key means. */
export const explain = defineCommand({
  name: 'explain',
  summary: 'Says what a reason, phase, metric, prober, module or module key means.',
  details:
    'Without a name it lists all that it can explain. A key may be given alone or with its prober (http.method).',
  positional: ['name'],
  args: z.strictObject({
    name: z.string().optional().describe('What to explain.').meta({ value: 'NAME' }),
    json: z.boolean().default(false).describe('Prints a JSON array instead of text.'),
  }),
  examples: ['bothways explain tls_incomplete_chain', 'bothways explain http.follow_redirects'],
  run: async ({ name, json }, io) => {
    const all = topicsOf(probers satisfies ProberTable);
    const found = name === undefined ? all : all.filter((topic) => answersTo(topic, name));
    if (name !== undefined && found.length === 0) {
      const known = all.flatMap((topic) => [topic.name, lastPart(topic.name)]);
      const meant = nearest(name, known);
      const advice = meant === undefined ? 'write `bothways explain` for all names' : `did you mean ${meant}?`;
      return wrongUsage(io, `nothing here is called ${jsonText(name)}; ${advice}`);
    }
    if (json) io.stdout.write(`${jsonText(found, 2)}\n`);
    else if (name === undefined) io.stdout.write(listText(found));
    else io.stdout.write(found.map((topic) => topicText(topic, paint(io.stdout, io.environment))).join('\n'));
    return 0;
  },
});

const lastPart = (name: string) => name.slice(name.lastIndexOf('.') + 1);

/** A key answers to its full path and to every tail of it. */
const answersTo = (topic: Topic, name: string) =>
  topic.name === name || (topic.kind === 'key' && topic.name.endsWith(`.${name}`));

const topicText = ({ kind, name, text, rows }: Topic, { strong, dim }: ReturnType<typeof paint>): string => {
  const width = Math.max(0, ...rows.map(([head]) => head.length));
  return [
    `${strong(name)} ${dim(`(${kind})`)}`,
    `  ${text}`,
    ...rows.map(([head, row]) => `  ${dim(head.padEnd(width))}  ${row}`),
    '',
  ].join('\n');
};

const listText = (topics: readonly Topic[]): string => {
  const kinds = [...new Set(topics.map(({ kind }) => kind))];
  const namesOf = (kind: Topic['kind']) =>
    topics.filter((topic) => topic.kind === kind).map(({ name }) => `  ${name}\n`);
  return kinds.map((kind) => `${kind}:\n${namesOf(kind).join('')}`).join('\n');
};
