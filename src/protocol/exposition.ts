import { isPrintable, printable } from '../kernel/printable.ts';
import type { Sample } from '../kernel/sample.ts';

/**
 * Samples in Prometheus's text format 0.0.4, as blackbox_exporter writes it: families, series and labels sorted by name,
 * HELP and TYPE before each family, no timestamps. Control characters of label values are made visible. Stale markers have no text form and are left out.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const exposition = (samples: readonly Sample[]): string => {
  const families = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { name } = sample.series.metric;
    const family = families.get(name);
    if (family === undefined) families.set(name, [sample]);
    else family.push(sample);
  }
  return [...families.keys()]
    .sort(byBytes)
    .map((name) => familyText(name, families.get(name) ?? []))
    .join('');
};

/**
 * A number as Go writes it: shortest digits that read back the same, with an exponent below 1e-4 and from 1e6 on.
 * @see https://pkg.go.dev/strconv#FormatFloat with format g and precision -1
 */
export const numberText = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
};

const familyText = (name: string, samples: readonly Sample[]): string => {
  const { help, type } = samples[0]?.series.metric ?? { help: '', type: 'gauge' };
  const lines = samples.flatMap(({ series, value }) =>
    value === 'stale' ? [] : [`${name}${labelsText(series.labels)} ${numberText(value)}\n`],
  );
  if (lines.length === 0) return '';
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.sort(byBytes).join('')}`;
};

const labelsText = (labels: Sample['series']['labels']): string => {
  const pairs = labels.map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

const escapeHelp = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
/** Of control characters the format can only escape a line's end; the others are made visible before. */
const escapeValue = (text: string) => escapeHelp(isPrintable(text) ? text : visible(text)).replaceAll('"', '\\"');
const visible = (text: string) => text.split('\n').map(printable).join('\n');
const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
