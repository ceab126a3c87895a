const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 } as const;
const shape = /^(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+$/;
const part = /(\d+(?:\.\d+)?)(ms|[smhdwy])/g;

/**
 * Milliseconds of a duration text: numbers with units ms, s, m, h, d, w, y in a row (`1m30s`, `0.5s`), or `0`.
 * `undefined` for anything else. Takes what Prometheus and Go write, but for Go's ns and us.
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/ for `<duration>`
 */
export const parseDuration = (text: string): number | undefined => {
  if (text === '0') return 0;
  if (!shape.test(text)) return undefined;
  let total = 0;
  // safe: the expression above lets only known units through
  for (const [, amount, unit] of text.matchAll(part)) total += Number(amount) * units[unit as keyof typeof units];
  return total;
};

/** The shortest text that {@link parseDuration} reads back as `ms`: `90000` gives `1m30s`. */
export const formatDuration = (ms: number): string => {
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const unit of ['h', 'm', 's'] as const) {
    const amount = Math.floor(rest / units[unit]);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * units[unit];
  }
  return rest > 0 ? `${text}${Number(rest.toFixed(3))}ms` : text;
};
