import type { List, ProberTable } from '../config/schema.ts';
import type { BlockState, Discovery } from '../discover/discovery.ts';
import type { Remark } from '../discover/found.ts';
import type { Check } from '../kernel/check.ts';
import { fairShare } from '../protocol/fair-share.ts';
import type { Log } from './log.ts';
import type { News } from './publisher.ts';

/** What an agent finds besides what its list names. */
export type FoundInUse = AsyncDisposable & {
  /** Takes a new list: opens what its `discover` says if that has changed, and waits a moment for what it finds first. */
  readonly set: (list: List | undefined) => Promise<void>;
  /** The checks of this agent's vantage, as they were found last. */
  readonly checks: () => readonly Check[];
  /** Looks what is found now. */
  readonly refresh: () => void;
  /** Whether a check that was found, with this `reach`, may dial an address. */
  readonly mayReach: (reach: string, ip: string) => boolean;
  readonly state: () => readonly BlockState[];
};

/** What it is made of. `changed` is called when it is time to {@link FoundInUse.refresh}: at most once a second. */
export type FoundParts = {
  readonly vantage: string;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: (path: string) => Promise<Buffer>;
  readonly log: Log;
  readonly changed: () => void;
  /** Takes all that was found, at all vantages, after each look. */
  readonly tell: (news: News) => void;
};

/** How long a start waits for what is found first; an API server that is away does not keep an agent from its list. */
const firstMs = 3_000;
/** Changes come in bursts; a roll-out changes every pod. Compiling may take a tenth of the time at most. */
const calmMs = 1_000;
const calmFactor = 10;
/** Remarks that are said at once; more are counted. */
const mostRemarks = 20;

/** Opens nothing before the first list that has a `discover`. */
export const foundInUse = ({ vantage, probers, environment, file, log, changed, tell }: FoundParts): FoundInUse => {
  let list: List | undefined;
  let open: { readonly key: string; readonly discovery: Discovery } | undefined;
  let checks: readonly Check[] = [];
  /** What was found by the `discover` before, until that of now has heard of all its sources. */
  let held: readonly Check[] = [];
  /** What that block let its checks reach. */
  let heldReach: Discovery['mayReach'] | undefined;
  let timer: NodeJS.Timeout | undefined;
  let tookMs = 0;
  let closed = false;
  let said = new Set<string>();
  const problems = new Map<string, string>();

  const soon = () => {
    if (closed) return;
    timer ??= setTimeout(
      () => {
        timer = undefined;
        changed();
      },
      Math.max(calmMs, tookMs * calmFactor),
    );
  };

  const sayRemarks = (remarks: readonly Remark[]) => {
    const textOf = ({ origin, why }: Remark) => `${origin}: ${why}`;
    const now = new Set(remarks.map(textOf));
    const fresh = remarks.filter((one) => !said.has(textOf(one)));
    said = now;
    if (fresh.length === 0) return;
    // No namespace keeps the remarks on another out of the log.
    for (const one of fairShare(fresh, mostRemarks, ({ tenant = '' }) => tenant)) log('warn', textOf(one));
    if (fresh.length > mostRemarks) log('warn', `and ${fresh.length - mostRemarks} more remarks on what was found`);
  };

  /** Says which sources cannot be read, and which can again. */
  const sayStates = (states: readonly BlockState[]) => {
    for (const { name, problem } of states) {
      const before = problems.get(name);
      if (problem === before) continue;
      if (problem === undefined) {
        problems.delete(name);
        log('info', `${name} is up to date again`);
      } else {
        problems.set(name, problem);
        log('warn', `${name}: ${problem}; what was found before stays in use`);
      }
    }
  };

  const refresh = () => {
    if (open === undefined || list === undefined) return;
    const began = performance.now();
    const compiled = open.discovery.compile(list);
    const states = open.discovery.state();
    sayStates(states);
    if (states.every(({ syncedAt }) => syncedAt !== undefined)) [held, heldReach] = [[], undefined];
    const found = compiled.checks.filter((check) => check.vantage.name === vantage);
    const ids = new Set(found.map(({ id }) => id));
    checks = [...found, ...held.filter(({ id }) => !ids.has(id))];
    const isComplete = states.every(({ problem, syncedAt }) => problem === undefined && syncedAt !== undefined);
    tell({ list, checks: compiled.checks, isComplete });
    const above = [...compiled.above].map(([name, count]) => ({
      origin: name,
      why: `${count} targets are left out, since there are more than may be`,
    }));
    sayRemarks([...above, ...compiled.remarks]);
    tookMs = performance.now() - began;
  };

  return {
    set: async (next) => {
      list = next;
      const key = next?.discover === undefined ? undefined : JSON.stringify(next.discover);
      if (key !== open?.key) {
        const before = open;
        held = key === undefined ? [] : checks;
        checks = held;
        heldReach = held.length === 0 ? undefined : (before?.discovery.mayReach ?? heldReach);
        open = undefined;
        problems.clear();
        await before?.discovery[Symbol.asyncDispose]();
        if (key !== undefined && next?.discover !== undefined) {
          // Most agents work by their list alone, and need not hold what reads a cluster.
          const { openDiscovery } = await import('../discover/discovery.ts');
          const discovery = openDiscovery({ settings: next.discover, probers, environment, file, changed: soon });
          open = { key, discovery };
          const late = AbortSignal.timeout(firstMs);
          await Promise.race([
            discovery.first,
            new Promise<void>((resolve) => late.addEventListener('abort', () => resolve(), { once: true })),
          ]);
        }
      }
      refresh();
    },
    checks: () => checks,
    refresh,
    mayReach: (reach, ip) => open?.discovery.mayReach(reach, ip) === true || heldReach?.(reach, ip) === true,
    state: () => open?.discovery.state() ?? [],
    [Symbol.asyncDispose]: async () => {
      closed = true;
      clearTimeout(timer);
      await open?.discovery[Symbol.asyncDispose]();
    },
  };
};
