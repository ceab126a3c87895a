import { type DiscoverSettings, type KubernetesSettings, shareOf } from '../config/discover.ts';
import type { List, ProberTable } from '../config/schema.ts';
import type { ChoosableModules } from './choosable-modules.ts';
import { cluster } from './cluster.ts';
import { type CompiledFound, compileFound } from './compile-found.ts';
import { nothing } from './found.ts';
import type { Source, SourceState } from './source.ts';
import { targetFiles } from './target-files.ts';
import type { Tenancy } from './tenancy.ts';

/** How a block of `discover` stands. */
export type BlockState = SourceState & {
  readonly name: string;
  /** Objects and entries that targets were made of. */
  readonly found: number;
  /** Targets left out because a namespace, or the files, have more than they may. */
  readonly above: number;
};

/** What the `discover` of a list finds, for as long as it is open. */
export type Discovery = AsyncDisposable & {
  /** Resolves when every source has looked once, with or without success. */
  readonly first: Promise<void>;
  /** Compiles what is found now, as if it stood in the list. */
  readonly compile: (list: List) => CompiledFound;
  /** Whether a check with this `reach` may dial an address, by what was known when it was last compiled. */
  readonly mayReach: (reach: string, ip: string) => boolean;
  /** How each block stood when it was last compiled. */
  readonly state: () => readonly BlockState[];
};

/** What a discovery is opened with. */
export type DiscoveryParts = {
  readonly settings: DiscoverSettings;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: (path: string) => Promise<Buffer>;
  /** Called after every change, many times in a row perhaps. */
  readonly changed: () => void;
};

/** Opens all sources of the block `discover`. One that cannot be opened says so for ever, and the others work. */
export const openDiscovery = ({ settings, probers, environment, file, changed }: DiscoveryParts): Discovery => {
  const rows: (Row & { readonly source: Source })[] = [];
  const open = (name: string, row: Row, make: () => Source) => {
    try {
      rows.push({ source: make(), ...row });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      rows.push({ source: closed(name, problem), ...row });
    }
  };
  const clusters = clustersIn(settings.kubernetes);
  for (const [index, one] of settings.kubernetes.entries()) {
    const name = `kubernetes[${index}]`;
    const tenancy = tenancyOf(one, clusters[index] ?? '');
    open(name, { settings: one, modules: one.modules ?? 'without_secrets', tenancy }, () =>
      cluster({ name, settings: one, environment, file, changed }),
    );
  }
  for (const [index, one] of settings.file_sd.entries()) {
    const name = `file_sd[${index}]`;
    // Files are written by whoever writes the list.
    open(name, { settings: one, modules: 'any' }, () => targetFiles(name, one, changed));
  }
  let above: ReadonlyMap<string, number> = new Map();
  let counts: ReadonlyMap<string, number> = new Map();
  return {
    first: Promise.all(rows.map(({ source }) => source.first)).then(() => {}),
    compile: (list) => {
      const finds = rows.map(({ source }) => source.finds());
      const compiled = compileFound(
        list,
        rows.map(({ source, settings: { max_targets: maxTargets, defaults, labels }, modules, tenancy }, index) => ({
          name: source.name,
          found: [],
          remarks: [],
          ...finds[index],
          maxTargets,
          defaults,
          labels,
          modules,
          ...(tenancy === undefined ? {} : { tenancy }),
        })),
        probers,
      );
      ({ above, counts } = compiled);
      return compiled;
    },
    mayReach: (reach, ip) => {
      const at = reach.indexOf('/');
      const row = rows.find(({ source }) => source.name === reach.slice(0, at));
      return row?.source.mayReach?.(reach.slice(at + 1), ip) ?? false;
    },
    state: () =>
      rows.map(({ source }) => ({
        name: source.name,
        found: counts.get(source.name) ?? 0,
        above: above.get(source.name) ?? 0,
        ...source.state(),
      })),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(rows.map(({ source }) => source[Symbol.asyncDispose]()));
    },
  };
};

type Row = {
  readonly settings: Pick<KubernetesSettings, 'max_targets' | 'defaults' | 'labels'>;
  readonly modules: ChoosableModules;
  readonly tenancy?: Tenancy;
};

const tenancyOf = (settings: KubernetesSettings, cluster: string): Tenancy => ({
  share: shareOf(settings),
  minInterval: settings.min_interval,
  expressions: settings.expressions,
  jobs: settings.jobs,
  cluster,
});

/**
 * What names begin with, for each block. Namespaces of one name in two clusters are two tenants, so targets of all but one API server
 * (the own cluster's, else the first) are called after it too: `api.example.com:6443/shop/web`.
 */
const clustersIn = (blocks: readonly KubernetesSettings[]): readonly string[] => {
  const servers = [...new Set(blocks.map(({ server }) => server))];
  const main = servers.includes(undefined) ? undefined : servers[0];
  return blocks.map(({ server }) => {
    if (server === undefined || server === main) return '';
    if (!URL.canParse(server)) return `${server}/`;
    const { hostname, protocol, port, pathname } = new URL(server);
    const path = pathname.replace(/\/$/, '').replaceAll('/', '_');
    return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}${path}/`;
  });
};

/** A source that could not be opened. It knows of nothing, so nothing that it found elsewhere is over. */
const closed = (name: string, problem: string): Source => ({
  name,
  finds: () => nothing,
  state: () => ({ syncedAt: undefined, problem }),
  first: Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
