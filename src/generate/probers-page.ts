import { code, page, table } from './markdown.ts';
import type { Topic } from './topic.ts';

/** docs/probers.md: every prober with its target forms, built-in modules and all keys of its settings. */
export const probersPage = (topics: readonly Topic[]): string =>
  page(
    '# Probers',
    'A module names a prober and holds its settings in a block of the same name; see [the target list](configuration.md#modules). The words are blackbox_exporter’s.',
    ...topics.filter(({ kind }) => kind === 'prober').flatMap((prober) => section(prober, topics)),
  );

const section = ({ name, text, rows }: Topic, topics: readonly Topic[]): string[] => {
  const modules = topics.filter((topic) => topic.kind === 'module' && isOf(topic, name));
  const keys = topics.filter((topic) => topic.kind === 'key' && topic.name.startsWith(`${name}.`));
  return [
    `## ${code(name)}`,
    text,
    `Targets: ${row(rows, 'Targets')}.`,
    table(
      ['Built-in module', 'Settings'],
      modules.map((module) => [code(module.name), code(row(module.rows, 'Settings'))]),
    ),
    table(
      ['Key', 'Value', 'Default', 'Meaning'],
      keys.map((key) => [code(key.name.slice(name.length + 1)), formOf(key), defaultOf(key), key.text]),
    ),
  ];
};

const isOf = ({ text }: Topic, prober: string) => text.endsWith(` ${prober}.`);

const row = (rows: Topic['rows'], wanted: string): string => rows.find(([head]) => head === wanted)?.[1] ?? '';

const formOf = ({ rows }: Topic): string => {
  const choices = row(rows, 'One of');
  return choices === '' ? row(rows, 'Type') : choices.split(', ').map(code).join(', ');
};

const defaultOf = ({ rows }: Topic): string => {
  const standard = row(rows, 'Default');
  return standard === '' ? '' : code(standard);
};
