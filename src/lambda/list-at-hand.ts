import type { Packed } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check, EpochMs } from '../kernel/check.ts';
import type { Point } from '../kernel/metric.ts';
import type { Aws } from '../net/aws/aws.ts';
import { listStatePoints } from '../run/list-state.ts';
import type { ClusterNow } from './cluster-list.ts';
import { mostTargetsOf, newestLists, s3ObjectsOf } from './newest-lists.ts';
import type { Say } from './say.ts';
import { type VantageInUse, vantageInUse } from './vantage-in-use.ts';

/** What the list of a function is made of. `literals` are kept as those of the list in use. */
export type ListAtHandParts = {
  readonly deployed: Packed;
  readonly vantage: string;
  readonly literals: Map<string, string>;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly aws: Aws;
  readonly log: Say;
  readonly now: () => EpochMs;
  /** Called for each check that a newer list no longer has. */
  readonly onGone: (check: Check) => void;
};

/** The list that a function works by. */
export type ListAtHand = {
  readonly use: () => VantageInUse;
  /** Looks for a newer one. What is wrong with it is said once, and the last good one stays in use. Never rejects. */
  readonly look: () => Promise<{ readonly listPoints: readonly Point[]; readonly clusters: readonly ClusterNow[] }>;
};

/** Throws if the list that was deployed has no such vantage. */
export const listAtHand = (parts: ListAtHandParts): ListAtHand => {
  const { deployed, vantage, literals, probers, environment, aws, log, now, onGone } = parts;
  let use = vantageInUse(deployed, vantage);
  let said: readonly string[] = [];
  const megabytes = Number(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  const lists = newestLists({
    deployed,
    vantage,
    objects: s3ObjectsOf(environment.BOTHWAYS_LIST_S3, environment.BOTHWAYS_LIST_REGION),
    mostTargets: mostTargetsOf(environment.BOTHWAYS_LIST_CLUSTERS),
    probers,
    aws,
    now,
    ...(megabytes >= 128 ? { megabytes } : {}),
  });
  const look: ListAtHand['look'] = async () => {
    const list = await lists();
    const before = use;
    use = vantageInUse(list.packed, vantage, before);
    const { hash } = use.packed;
    if (use !== before) {
      literals.clear();
      for (const [reference, text] of use.packed.literals) literals.set(reference, text);
      const kept = new Set(use.checks);
      for (const check of before.checks) if (!kept.has(check)) onGone(check);
    }
    const lines: Parameters<Say>[0][] = [
      ...(list.problem === undefined ? [] : [error(`${list.problem}; list ${hash} stays in use`)]),
      ...list.clusters.flatMap(({ cluster, problem }) =>
        problem === undefined ? [] : [error(`${problem}; what the cluster ${cluster} published before stays in use`)],
      ),
      ...list.remarks.map((msg) => warning(msg)),
    ];
    for (const line of lines) if (!said.includes(line.msg)) log(line);
    said = lines.map(({ msg }) => msg);
    const listPoints = listStatePoints({ hash, loadedAt: list.loadedAt, ok: list.problem === undefined });
    return { listPoints, clusters: list.clusters };
  };
  return { use: () => use, look };
};

const error = (msg: string): Parameters<Say>[0] => ({ level: 'error', msg });
const warning = (msg: string): Parameters<Say>[0] => ({ level: 'warn', msg });
