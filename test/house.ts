import { posix } from 'node:path';

/** Source files: path from the repository's root to text. */
export type Sources = ReadonlyMap<string, string>;

/** The rooms of `src` from the ground up. A file imports from its own room or from a lower floor. */
export const floors: readonly (readonly string[])[] = [
  ['kernel'],
  ['protocol'],
  ['page'],
  ['net'],
  ['probers', 'sinks'],
  ['config'],
  ['run', 'delivery', 'generate', 'discover', 'import'],
  ['receiver'],
  ['agent', 'lambda'],
  ['demo'],
  ['cli'],
];

/** Rooms whose files, or folders, do not know each other; only their table (`index.ts`) knows them all. */
const isolated = ['probers', 'sinks'];

/** What a room may import from outside `src`; a room that is not named may import anything. */
const outside: Readonly<Record<string, (specifier: string) => boolean>> = {
  kernel: () => false,
  protocol: (specifier) => !specifier.startsWith('node:') || specifier === 'node:buffer',
};

type Import = { readonly specifier: string; readonly path: string | undefined };

const statements = [
  /^(?:import|export)\s+(?:type\s+)?(?:[\w$]+|[{*][^'"]*?|[\w$]+\s*,\s*[{*][^'"]*?)\s*\bfrom\s*['"]([^'"]+)['"]/gm,
  /^import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
];

/** What a file imports, types included; `path` is there for files of the repository. */
export const importsOf = (file: string, text: string): readonly Import[] =>
  statements.flatMap((statement) =>
    [...text.matchAll(statement)].map(([, specifier = '']) => ({
      specifier,
      path: specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined,
    })),
  );

/** Every import that goes up, sideways or out where it may not: one sentence each. */
export const layerProblems = (sources: Sources): readonly string[] =>
  [...sources].flatMap(([file, text]) =>
    importsOf(file, text).flatMap(({ specifier, path }) => {
      const why = path === undefined ? outsideProblem(file, specifier) : insideProblem(file, path);
      return why === undefined ? [] : [`${file} imports ${specifier}: ${why}`];
    }),
  );

const roomOf = (path: string) => (path.startsWith('src/') ? path.split('/')[1] : undefined);
const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room));

const outsideProblem = (file: string, specifier: string): string | undefined => {
  const room = roomOf(file) ?? '';
  return outside[room]?.(specifier) === false ? `${room} imports nothing of the kind` : undefined;
};

const insideProblem = (file: string, path: string): string | undefined => {
  const [from, to] = [roomOf(file), roomOf(path)];
  if (from === undefined) return undefined;
  if (to === undefined) return path === 'package.json' ? undefined : 'it leaves src';
  if (floorOf(from) === -1) return `${from} is no room of the house`;
  if (floorOf(to) === -1) return `${to} is no room of the house`;
  if (from === to) return isolated.includes(from) ? neighbourProblem(file, path) : undefined;
  return floorOf(to) < floorOf(from) ? undefined : `${from} is not above ${to}`;
};

const neighbourProblem = (file: string, path: string): string | undefined => {
  const [, room = '', from = ''] = file.split('/');
  const to = path.split('/')[2] ?? '';
  if (from === 'index.ts' || from === to || sharedBySinks(room, to)) return undefined;
  return `one of ${room} knows another`;
};

/** The shape of a sink and of its answer is no sink. */
const sharedBySinks = (room: string, name: string) => room === 'sinks' && ['sink.ts', 'receipt.ts'].includes(name);

/** Every cycle of imports, types included, as `a -> b -> a`; each once. */
export const cycles = (sources: Sources): readonly string[] => {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]) => {
    const at = trail.indexOf(file);
    if (at !== -1) found.push([...trail.slice(at), file].join(' -> '));
    if (at !== -1 || done.has(file)) return;
    for (const { path } of importsOf(file, sources.get(file) ?? ''))
      if (path !== undefined && sources.has(path)) visit(path, [...trail, file]);
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
};

const exported = /^export (?:async )?(?:const|let|type|interface|function\*?|class) (\w+)/;

/** Exports without a docstring right above them. */
export const undocumented = (sources: Sources): readonly string[] =>
  [...sources].flatMap(([file, text]) => {
    const lines = text.split('\n');
    return lines.flatMap((line, index) => {
      const name = exported.exec(line)?.[1];
      return name === undefined || hasDocstring(lines, index) ? [] : [`${file}:${index + 1} ${name} has no docstring`];
    });
  });

const hasDocstring = (lines: readonly string[], index: number): boolean => {
  if (!lines[index - 1]?.trimEnd().endsWith('*/')) return false;
  const start = lines.slice(0, index).findLastIndex((line) => line.trimStart().startsWith('/*'));
  return lines[start]?.trimStart().startsWith('/**') === true;
};

const metricString = /(\b(?:gauge|counter)\(\s*)?['"`]((?:probe|bothways)_\w+)/g;

/** Names of metrics that stand anywhere but in their one definition. */
export const strayMetricNames = (sources: Sources): readonly string[] => {
  const defined = new Map<string, string>();
  return [...sources].flatMap(([file, text]) =>
    [...withoutComments(text).matchAll(metricString)].flatMap(([, definition, name = '']) => {
      if (definition === undefined) return [`${file} writes ${name} outside its definition`];
      const first = defined.get(name);
      if (first !== undefined) return [`${file} defines ${name}, and so does ${first}`];
      defined.set(name, file);
      return [];
    }),
  );
};

const withoutComments = (text: string) => text.replaceAll(/^\s*(?:\/\*|\*|\/\/).*$/gm, '');

/** Files of more than `limit` lines. */
export const longFiles = (sources: Sources, limit: number): readonly string[] =>
  [...sources].flatMap(([file, text]) => {
    const lines = text.trimEnd().split('\n').length;
    return lines > limit ? [`${file} has ${lines} lines, more than ${limit}`] : [];
  });

const testName = /\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

/** The names of all tests. */
export const testNames = (sources: Sources): readonly string[] =>
  [...sources.values()].flatMap((text) =>
    [...text.matchAll(testName)].map(([, single, double, template]) => single ?? double ?? template ?? ''),
  );
