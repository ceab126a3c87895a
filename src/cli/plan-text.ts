import type { ListPart } from '../config/part.ts';
import { formatDuration } from '../kernel/duration.ts';
import { printable } from '../kernel/printable.ts';
import { jsonText } from '../protocol/json-text.ts';
import { withoutQuerySecrets } from '../protocol/query-secrets.ts';
import { counted } from './paint.ts';

/** What a run would probe and where its samples would go, for people or as one JSON object. Secrets do not appear. */
export const planText = ({ vantage, checks, endpoints }: ListPart, json: boolean): string => {
  if (json) return `${jsonText({ vantage, checks: checks.map(checkData), endpoints: endpoints.map(endpointData) })}\n`;
  const rows = checks.map(({ target, instance, module }) => [
    target.name,
    instance,
    module.name,
    `every ${formatDuration(target.intervalMs)}`,
    `within ${formatDuration(module.timeoutMs)}`,
  ]);
  const lines = [
    `${counted(checks.length, 'check')} at ${vantage.name}:`,
    ...columns(rows),
    endpoints.length === 0 ? 'No receiver takes samples from here.' : 'Samples go to:',
    ...endpoints.map((endpoint) => `  ${endpointData(endpoint).url}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
};

const checkData = ({ id, instance, target, module, labels }: ListPart['checks'][number]) => ({
  id,
  name: target.name,
  instance,
  address: withoutQuerySecrets(target.address),
  prober: module.prober,
  module: module.name,
  intervalSeconds: target.intervalMs / 1_000,
  timeoutSeconds: module.timeoutMs / 1_000,
  labels,
});

const endpointData = ({ name, settings }: ListPart['endpoints'][number]) => ({ name, url: bareUrl(settings.url) });

/** A receiver's URL without user info and query, which may hold secrets. */
export const bareUrl = (text: string): string => {
  const url = URL.parse(text);
  return url === null ? '(not a URL)' : `${url.origin}${url.pathname}`;
};

/** Rows of texts as lines, each column as wide as its widest text. */
export const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = [];
  const shown = rows.map((row) => row.map(printable));
  for (const row of shown)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return shown.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd());
};
