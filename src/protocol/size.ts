const powers: Readonly<Record<string, number>> = { B: 0, KB: 1, MB: 2, GB: 3, TB: 4, PB: 5, EB: 6 };
const shape = /^(-?\d+(?:\.\d+)?)\s*([KMGTPE]?)i?B$/;

/**
 * Bytes of a size text (`10MB`, `1.5GiB`; 1 KB is 1,024 bytes), or `0`. Negative sizes mean no limit and give 0.
 * `undefined` for anything else. Follows blackbox_exporter's `<size>`.
 */
export const parseSize = (text: string): number | undefined => {
  if (text === '0') return 0;
  const [, amount, unit] = shape.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Math.max(0, Math.floor(Number(amount) * 1_024 ** (powers[`${unit}B`] ?? 0)));
};
