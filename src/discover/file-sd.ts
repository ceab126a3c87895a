import { parse } from 'yaml';
import * as z from 'zod';
import type { Finds, Found, Remark } from './found.ts';

/** @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config */
const groups = z.array(
  z.object({ targets: z.array(z.string()).default([]), labels: z.record(z.string(), z.string()).default({}) }),
);

/** Labels that Prometheus gives a meaning, and what they are in an entry of ours; others with two underscores are for relabelling. */
const meant = {
  __param_module: 'module',
  __scrape_interval__: 'interval',
  __scrape_timeout__: 'timeout',
  job: 'job',
  instance: 'instance',
  name: 'name',
} as const;

/**
 * The targets of a file in the form of Prometheus's file_sd, JSON or YAML. `undefined` with a sentence when it is none: then what
 * was read last is to be kept. Never throws.
 */
export const fileSdFinds = (file: string, text: string): Finds | { readonly problem: string } => {
  let value: unknown;
  try {
    value = file.endsWith('.json') ? JSON.parse(text) : parse(text, { logLevel: 'error' });
  } catch {
    return { problem: `${file} cannot be read as ${file.endsWith('.json') ? 'JSON' : 'YAML'}` };
  }
  const read = groups.safeParse(value ?? []);
  if (!read.success) return { problem: `${file} is no file_sd list: ${read.error.issues[0]?.path.join('.')} is wrong` };
  const found: Found[] = [];
  const remarks: Remark[] = [];
  for (const { targets, labels } of read.data) {
    const [entry, own]: [Record<string, string>, Record<string, string>] = [{}, {}];
    for (const [key, label] of Object.entries(labels)) {
      const name = Object.entries(meant).find(([known]) => known === key)?.[1];
      // A label without a text is as good as none.
      if (label === '') continue;
      if (name !== undefined) entry[name] = label;
      else if (key === '__param_target')
        remarks.push({ origin: file, why: '__param_target is not used; write the target into targets' });
      else if (!key.startsWith('__')) own[key] = label;
    }
    const { __scheme__: scheme, __metrics_path__: path = '' } = labels;
    for (const target of targets) {
      const full =
        scheme === undefined || target.includes('://')
          ? target
          : `${scheme}://${target}${path === '/metrics' ? '' : path}`;
      found.push({ origin: file, entry: { target: full, ...entry, labels: own } });
    }
  }
  return { found, remarks };
};
