import type { DiscoverSettings } from '../config/discover.ts';
import type { List, ProberTable } from '../config/schema.ts';
import type { ChoosableModules } from './choosable-modules.ts';
import { cluster } from './cluster.ts';
import { type CompiledFound, compileFound } from './compile-found.ts';
import { nothing } from './found.ts';
import type { Source, SourceState } from './source.ts';
import { targetFiles } from './target-files.ts';

/** How a block of `discover` stands. */
export type BlockState = SourceState & {
  readonly name: string;
  /** Objects and entries that targets were made of. */
  readonly found: number;
  /** Targets left out because there are more than `max_targets`. */
  readonly above: number;
};

/** What the `discover` of a list finds, for as long as it is open. */
export type Discovery = AsyncDisposable & {
  /** Resolves when every source has looked once, with or without success. */
  readonly first: Promise<void>;
  /** Compiles what is found now, as if it stood in the list. */
  readonly compile: (list: List) => CompiledFound;
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
  const rows: { readonly source: Source; readonly settings: Common; readonly modules: ChoosableModules }[] = [];
  const open = (name: string, common: Common, modules: ChoosableModules, make: () => Source) => {
    try {
      rows.push({ source: make(), settings: common, modules });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      rows.push({ source: closed(name, problem), settings: common, modules });
    }
  };
  for (const [index, one] of settings.kubernetes.entries()) {
    const name = `kubernetes[${index}]`;
    open(name, one, one.modules ?? 'without_secrets', () =>
      cluster({ name, settings: one, environment, file, changed }),
    );
  }
  for (const [index, one] of settings.file_sd.entries()) {
    const name = `file_sd[${index}]`;
    // Files are written by whoever writes the list.
    open(name, one, 'any', () => targetFiles(name, one, changed));
  }
  let above: ReadonlyMap<string, number> = new Map();
  let counts: ReadonlyMap<string, number> = new Map();
  return {
    first: Promise.all(rows.map(({ source }) => source.first)).then(() => {}),
    compile: (list) => {
      const finds = rows.map(({ source }) => source.finds());
      const compiled = compileFound(
        list,
        rows.map(({ source, settings: { max_targets: maxTargets, defaults, labels }, modules }, index) => ({
          name: source.name,
          found: finds[index]?.found ?? [],
          maxTargets,
          defaults,
          labels,
          modules,
        })),
        probers,
      );
      ({ above, counts } = compiled);
      return { ...compiled, remarks: [...finds.flatMap((one) => one.remarks), ...compiled.remarks] };
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

type Common = Pick<DiscoverSettings['kubernetes'][number], 'max_targets' | 'defaults' | 'labels'>;

/** A source that could not be opened. It knows of nothing, so nothing that it found elsewhere is over. */
const closed = (name: string, problem: string): Source => ({
  name,
  finds: () => nothing,
  state: () => ({ syncedAt: undefined, problem }),
  first: Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
