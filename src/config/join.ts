import type { Finding, Path } from './problem.ts';
import type { List } from './schema.ts';

/** Where a place of the joined list stands: in which of the files, and under which path there. */
export type Origin = { readonly part: number; readonly path: Path };

/** Several lists as one. */
export type Joined = {
  readonly list: List;
  readonly problems: readonly (Finding & { readonly here: Origin; readonly there: Origin })[];
  readonly originOf: (path: Path) => Origin;
};

const lists = ['targets', 'groups', 'remote_write'] as const;
const maps = ['external_labels', 'vantages', 'modules'] as const;
const blocks = ['budget', 'ca_file', 'aws', 'discover'] as const;

/**
 * Joins the lists of several files: targets, groups and endpoints follow each other, vantages, modules and external labels
 * must not meet, and only one file may set the defaults of a side, the budget, `ca_file`, `aws`, or `discover`. `written` says what stands in a file.
 */
export const join = (parts: readonly List[], written: readonly unknown[]): Joined => {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) {
    return { list: first, problems: [], originOf: (path) => ({ part: 0, path }) };
  }
  const problems: (Finding & { readonly here: Origin; readonly there: Origin })[] = [];
  const owners = new Map<string, number>();
  const claim = (part: number, path: Path) => {
    const key = JSON.stringify(path);
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, part);
    else problems.push({ path, message: 'stands in two files', here: { part, path }, there: { part: owner, path } });
  };
  for (const [part, raw] of written.entries()) for (const path of uniquePaths(raw)) claim(part, path);
  const owned = (path: Path): number | undefined => owners.get(JSON.stringify(path));
  const at = (part: number | undefined): List | undefined => (part === undefined ? undefined : parts[part]);
  const list: List = {
    version: 1,
    budget: at(owned(['budget']))?.budget,
    ca_file: at(owned(['ca_file']))?.ca_file,
    aws: at(owned(['aws']))?.aws,
    discover: at(owned(['discover']))?.discover,
    external_labels: Object.assign({}, ...parts.map(({ external_labels }) => external_labels)),
    vantages: Object.assign({}, ...parts.map(({ vantages }) => vantages)),
    modules: Object.assign({}, ...parts.map(({ modules }) => modules)),
    defaults: {
      outside: at(owned(['defaults', 'outside']))?.defaults.outside ?? {},
      inside: at(owned(['defaults', 'inside']))?.defaults.inside ?? {},
    },
    remote_write: parts.flatMap(({ remote_write }) => remote_write),
    targets: parts.flatMap(({ targets }) => targets),
    groups: parts.flatMap(({ groups }) => groups),
  };
  return { list, problems, originOf: (path) => originOf(path, parts, owned) };
};

/** The places of a file that no other file may set. */
const uniquePaths = (raw: unknown): Path[] => {
  const keys = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.keys(value) : []);
  // safe: `keys` takes whatever is there
  const { defaults, ...top } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  return [
    ...maps.flatMap((section) => keys(top[section]).map((key) => [section, key])),
    ...keys(defaults).map((side) => ['defaults', side]),
    ...blocks.filter((block) => top[block] !== undefined && top[block] !== null).map((block) => [block]),
  ];
};

const originOf = (path: Path, parts: readonly List[], owned: (path: Path) => number | undefined): Origin => {
  const [section, key, ...rest] = path;
  const asList = lists.find((name) => name === section);
  if (asList !== undefined && typeof key === 'number') {
    let index = key;
    for (const [part, list] of parts.entries()) {
      const { length } = list[asList];
      if (index < length) return { part, path: [asList, index, ...rest] };
      index -= length;
    }
  }
  const owner = owned(path.slice(0, 2)) ?? owned(path.slice(0, 1));
  return { part: owner ?? 0, path };
};
