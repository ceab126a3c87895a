import { code, page } from './markdown.ts';
import type { Topic } from './topic.ts';

/** docs/metrics.md: every metric with its type, its labels and who emits it, in the order of their names. Long sets of values have pages of their own. */
export const metricsPage = (topics: readonly Topic[]): string => {
  const metrics = topics.filter(({ kind }) => kind === 'metric');
  return page(
    '# Metrics',
    'What is pushed. A profile holds the metrics of the smaller ones: `lean`, `standard` (the default), `full`. Names that are blackbox_exporter’s mean what they mean there.',
    'Besides its own labels each series carries those of its check: `job`, `instance`, `name`, `vantage` and the like; see [the target list](configuration.md#labels).',
    ...metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(section),
  );
};

/** More values of a label than this are not listed one by one. */
const manyValues = 12;

const section = ({ name, text, rows }: Topic): string => {
  const labels = rows.filter(([head]) => head.startsWith('{'));
  const facts = rows.filter(([head]) => !head.startsWith('{'));
  return [
    `## ${code(name)}`,
    text,
    facts.map(([head, value]) => `${head}: ${value}.`).join(' '),
    labelLines(labels).join('\n'),
  ]
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
};

/** A line for each value of a label, or for the label if its values are open or many. Heads are `{label}` or `{label="value"}`. */
const labelLines = (rows: Topic['rows']): string[] => {
  const counts = new Map<string, number>();
  for (const [head] of rows) counts.set(labelOf(head), (counts.get(labelOf(head)) ?? 0) + 1);
  const many = (label: string) => (counts.get(label) ?? 0) > manyValues;
  return [
    ...rows.filter(([head]) => !many(labelOf(head))).map(([head, text]) => `- ${code(head.slice(1, -1))}: ${text}`),
    ...[...counts]
      .filter(([label]) => many(label))
      .map(
        ([label, count]) => `- ${code(label)}: one of ${count} values; ${code(`bothways explain VALUE`)} says more.`,
      ),
  ];
};

const labelOf = (head: string) => head.slice(1, -1).split('=')[0] ?? '';
