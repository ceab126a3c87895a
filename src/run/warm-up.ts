import type { ProberTable } from '../config/schema.ts';
import type { Check } from '../kernel/check.ts';
import type { Kit } from '../net/prober.ts';

/**
 * Loads what the probers of these checks need, so that the first probe does not measure it. Never rejects: what cannot be
 * loaded is the probe's own to report.
 */
export const warmUp = async (checks: readonly Check[], probers: ProberTable, kit: Kit): Promise<void> => {
  const names = new Set(checks.map(({ module }) => module.prober));
  await Promise.allSettled([...names].map((name) => probers[name]?.warmUp?.(kit)));
};
