import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { markBroken, moduleIn, withoutBroken } from './broken-modules.ts';
import { type Compiled, compile } from './compile.ts';
import { unsupportedKey } from './endpoint.ts';
import { type ListFile, listFiles } from './files.ts';
import { addIssues } from './issues.ts';
import { join, type Origin } from './join.ts';
import { type Seen, seenFile } from './named-files.ts';
import { prepare } from './prepare.ts';
import { type Finding, findings, type Path, type Problem, pathText } from './problem.ts';
import { type List, listSchema, newestVersion, type ProberTable } from './schema.ts';
import { shapeOf } from './shape.ts';
import { asVantage } from './vantages.ts';
import { type KnownItems, type Spot, yamlFile } from './yaml-file.ts';

/** What a list is read with. `environment` is only looked at to warn of variables that are not set here. */
export type LoadOptions = {
  readonly probers: ProberTable;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Which of many agents reads it: `cluster/node` where the list has `cluster/*`. */
  readonly vantage?: string | undefined;
  /** Shared by lists that are much alike. */
  readonly known?: KnownItems;
};

/** A list and what it compiles to, or everything that is wrong with it (the first of it, and how many more). */
export type Loaded =
  | {
      readonly ok: true;
      readonly list: List;
      readonly compiled: Compiled;
      /** Secrets that stood in the list itself, by reference; for the kit alone, never to be shown. */
      readonly literals: ReadonlyMap<string, string>;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly more: number };

/**
 * Loads a target list from files and folders. Reads files and checks that those it names are there, and that authorities are
 * such; nothing else of the world. Never rejects. Whoever reloads keeps the list it has until this says `ok`.
 */
export const load = async (paths: readonly string[], options: LoadOptions): Promise<Loaded> => {
  const { files, problems } = await listFiles(paths);
  if (problems.length > 0) return { ok: false, problems, more: 0 };
  return loadTexts(files, options);
};

/** Loads a list from texts; the names of the files are for messages, and relative paths start from their folders. */
export const loadTexts = (files: readonly ListFile[], options: LoadOptions): Loaded =>
  together(
    files.map(({ file, text }) => fromText(file, text, options)),
    options,
  );

/** Loads a list that was made in memory. */
export const loadValue = (value: unknown, options: LoadOptions): Loaded => {
  const spotOf = () => ({ line: 0, column: 0 });
  return together([fromValue('', value, { spotOf, sourceOf: () => undefined }, options)], options);
};

type Part = {
  readonly file: string;
  readonly raw: unknown;
  readonly list: List | undefined;
  readonly spotOf: (path: Path) => Spot;
  readonly problems: readonly Problem[];
  readonly more: number;
  readonly warnings: readonly Problem[];
  /** Modules that cannot be used, and what is wrong with each. */
  readonly broken: ReadonlyMap<string, readonly Problem[]>;
  readonly literals: ReadonlyMap<string, string>;
};

const fromText = (file: string, text: string, options: LoadOptions): Part => {
  const parsed = yamlFile(text, options.known);
  if (parsed.ok) return fromValue(file, parsed.value ?? {}, parsed, options);
  const problems = parsed.problems.map(({ path, ...rest }) => ({ file, path: pathText(path), ...rest }));
  const spotOf = () => ({ line: 0, column: 0 });
  const nothing = { warnings: [], broken: new Map(), literals: new Map() };
  return { file, raw: {}, list: undefined, spotOf, problems, more: 0, ...nothing };
};

type Source = {
  readonly spotOf: (path: Path) => Spot;
  readonly sourceOf: (path: Path) => string | undefined;
};

const fromValue = (file: string, value: unknown, { spotOf, sourceOf }: Source, options: LoadOptions): Part => {
  const problems = findings();
  /** What is wrong with modules, which counts only where they are used. */
  const ofModules = findings(mostOfModules);
  const add = (path: Path, message: string) => (moduleIn(path) === undefined ? problems : ofModules).add(path, message);
  const warnings = findings();
  let broken: ReadonlyMap<string, readonly Finding[]> = new Map();
  const literals = new Map<string, string>();
  const schema = listSchema(options.probers);
  const shape = shapeOf(schema);
  const located = ({ path, message }: Finding): Problem => ({ file, path: pathText(path), message, ...spotOf(path) });
  let list: List | undefined;
  const newer = newerVersion(value);
  if (newer !== undefined) problems.add(['version'], newer);
  else {
    const looked = new Map<string, Seen>();
    const usesFile = (path: Path, used: string) => {
      const seen = looked.get(`${path.at(-1)} ${used}`) ?? seenFile(path.at(-1), used);
      looked.set(`${path.at(-1)} ${used}`, seen);
      if (seen.problem !== undefined) add(path, seen.problem);
      if (seen.warning !== undefined) warnings.add(path, seen.warning);
    };
    const literal = (reference: string, secret: string) => void literals.set(reference, secret);
    const reference = (path: Path, secret: string) => {
      const missing = missingHere(secret, options.environment);
      if (missing !== undefined) warnings.add(path, missing);
    };
    const folder = resolve(dirname(file));
    const raw = prepare(value, shape, {
      file,
      folder,
      sourceOf,
      problem: add,
      warning: warnings.add,
      literal,
      usesFile,
      reference,
    });
    const whole = schema.safeParse(raw);
    if (!whole.success) addIssues(whole.error.issues, raw, shape, add, unsupportedKey);
    const split = withoutBroken(raw, ofModules.all);
    broken = split.broken;
    const result = broken.size === 0 ? whole : schema.safeParse(split.value);
    if (result.success) list = result.data;
  }
  return {
    file,
    raw: value,
    list,
    spotOf,
    problems: problems.all.map(located),
    more: problems.more(),
    warnings: warnings.all.map(located),
    broken: new Map([...broken].map(([name, found]) => [name, found.map(located)])),
    literals,
  };
};

const newerVersion = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null || !('version' in value)) return undefined;
  const { version } = value;
  if (typeof version !== 'number' || version <= newestVersion) return undefined;
  return `version ${version} is newer than this program, which reads version ${newestVersion}; install a newer one`;
};

const missingHere = (secret: string, environment: LoadOptions['environment']): string | undefined => {
  const name = secret.startsWith('env:') ? secret.slice(4) : undefined;
  if (name !== undefined && environment !== undefined && environment[name] === undefined)
    return `the environment variable ${name} is not set here`;
  return secret.startsWith('file:') && !existsSync(secret.slice(5))
    ? `there is no file ${secret.slice(5)} here`
    : undefined;
};

const together = (parts: readonly Part[], { probers, vantage }: LoadOptions): Loaded => {
  const lists = parts.flatMap(({ list }) => (list === undefined ? [] : [list]));
  const broken = parts.flatMap(({ problems }) => problems);
  if (broken.length > 0 || lists.length < parts.length) return refused(broken, parts);
  const joined = join(
    lists,
    parts.map(({ raw }) => raw),
  );
  const at = ({ part, path }: Origin) => ({ file: parts[part]?.file ?? '', path, spot: parts[part]?.spotOf(path) });
  const place = (origin: Origin): string => {
    const { file, spot } = at(origin);
    return spot === undefined || spot.line === 0 ? pathText(origin.path) : `${file}:${spot.line}`;
  };
  const located = (origin: Origin, message: string, other: Origin | undefined): Problem => {
    const { file, path, spot } = at(origin);
    const text = other === undefined ? message : `${message} (the other is ${place(other)})`;
    return { file, path: pathText(path), message: text, line: 0, ...spot };
  };
  const inList = ({ path, message, other }: Finding): Problem =>
    located(joined.originOf(path), message, other && joined.originOf(other));
  if (joined.problems.length > 0)
    return refused(
      joined.problems.map(({ here, message, there }) => located(here, message, there)),
      parts,
    );
  const list = asVantage(joined.list, vantage);
  const unusable = new Map(parts.flatMap(({ broken }) => [...broken]));
  markBroken(list, unusable.keys());
  const compiled = compile(list, probers);
  const ofUsed = compiled.usedBroken.flatMap((name) => unusable.get(name) ?? []);
  if (compiled.problems.length + ofUsed.length > 0)
    return refused([...ofUsed, ...compiled.problems.map(inList)], parts, compiled.more);
  return {
    ok: true,
    list,
    compiled,
    literals: new Map(parts.flatMap(({ literals }) => [...literals])),
    warnings: [
      ...parts.flatMap(({ warnings }) => warnings),
      ...compiled.warnings.map(inList),
      ...[...unusable.values()].map(leftOut),
    ],
  };
};

/** One warning for a module that no target uses: the first of what is wrong with it. */
const leftOut = ([first, ...more]: readonly Problem[]): Problem => ({
  ...(first ?? { file: '', line: 0, path: 'modules' }),
  message: `${first?.message ?? ''}${more.length > 0 ? ` (and ${more.length} more)` : ''}; no target uses this module, so it is left out`,
});

const mostProblems = 50;
/** Findings that are kept about modules; a module whose findings are not kept would count as usable. */
const mostOfModules = 10_000;

const refused = (problems: readonly Problem[], parts: readonly Part[], more = 0): Loaded => {
  const order = new Map(parts.map(({ file }, index) => [file, index]));
  const sorted = problems.toSorted(
    (a, b) =>
      (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
  );
  const left = parts.reduce((sum, part) => sum + part.more, more) + Math.max(0, sorted.length - mostProblems);
  return { ok: false, problems: sorted.slice(0, mostProblems), more: left };
};
