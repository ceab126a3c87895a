/** All in turns: of each tenant the first in the order that is given, then the second of each, and so on. */
export const inTurns = <T>(all: readonly T[], tenantOf: (one: T) => string): readonly T[] => {
  const counts = new Map<string, number>();
  const rows = all.map((one) => {
    const tenant = tenantOf(one);
    const turn = counts.get(tenant) ?? 0;
    counts.set(tenant, turn + 1);
    return { one, tenant, turn };
  });
  rows.sort((a, b) => a.turn - b.turn || (a.tenant < b.tenant ? -1 : a.tenant > b.tenant ? 1 : 0));
  return rows.map(({ one }) => one);
};

/**
 * As many as there may be, in the order in which they are given: an equal share for each tenant as far as it has so many, so that none
 * crowds the others out. A tenant with at most `most` divided by the number of tenants is never cut.
 */
export const fairShare = <T>(all: readonly T[], most: number, tenantOf: (one: T) => string): readonly T[] => {
  if (all.length <= most) return all;
  const chosen = new Set(inTurns(all, tenantOf).slice(0, Math.max(0, most)));
  return all.filter((one) => chosen.has(one));
};
