import type { ProberTable } from '../config/schema.ts';
import type { Check } from '../kernel/check.ts';
import type { Kit } from '../net/prober.ts';

/**
 * Loads what the probers of these checks need, so that the first probes do not measure it. Never rejects: what cannot be
 * loaded is the probe's own to report.
 */
export const warmUp = async (checks: readonly Check[], probers: ProberTable, kit: Kit): Promise<void> => {
  const warm = async ({ module }: Check) => probers[module.prober]?.warmUp?.(module.settings, kit);
  await Promise.allSettled(checks.map(warm));
};
