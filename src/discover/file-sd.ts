import * as z from 'zod';
import type { Path } from '../config/problem.ts';
import { yamlFile } from '../config/yaml-file.ts';
import type { Finds, Found, Remark } from './found.ts';

/** @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config */
const groups = z.array(
  z.object({
    targets: z.array(z.string()).nullish(),
    labels: z.record(z.string(), z.string().nullable()).nullish(),
  }),
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
  const isJson = file.endsWith('.json');
  const parsed = isJson ? fromJson(text) : fromYaml(text);
  if ('problem' in parsed) return { problem: `${file} cannot be read as ${parsed.problem}` };
  const read = groups.safeParse(parsed.value ?? []);
  if (!read.success) {
    const path = read.error.issues[0]?.path.join('.') ?? '';
    return { problem: `${file} is no file_sd list: ${path === '' ? 'it is no list of groups' : `${path} is wrong`}` };
  }
  const found: Found[] = [];
  const remarks: Remark[] = [];
  for (const group of read.data) {
    const [targets, labels] = [group.targets ?? [], group.labels ?? {}];
    const [entry, own]: [Record<string, string>, Record<string, string>] = [{}, {}];
    for (const [key, label] of Object.entries(labels)) {
      const name = Object.entries(meant).find(([known]) => known === key)?.[1];
      // A label without a text is as good as none.
      if (label === null || label === '') continue;
      if (name !== undefined) entry[name] = label;
      else if (key === '__param_target')
        remarks.push({ origin: file, why: '__param_target is not used; write the target into targets' });
      else if (!key.startsWith('__')) own[key] = label;
    }
    const [scheme, path] = [labels.__scheme__ || undefined, labels.__metrics_path__ ?? ''];
    for (const target of targets) {
      const full =
        scheme === undefined || target.includes('://')
          ? target
          : `${scheme}://${target}${path === '/metrics' ? '' : path}`;
      found.push({ origin: file, tenant: '', entry: { target: full, ...entry, labels: own } });
    }
  }
  return { found, remarks };
};

/** What a text says, or what it cannot be read as, and why. */
type Read = { readonly value: unknown } | { readonly problem: string };

const fromJson = (text: string): Read => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { problem: 'JSON' };
  }
};

/** Numbers and truth values of YAML are texts here, as they are written: so Prometheus reads them. */
const fromYaml = (text: string): Read => {
  const file = yamlFile(text);
  if (!file.ok) {
    const [problem] = file.problems;
    return { problem: problem === undefined ? 'YAML' : `YAML: line ${problem.line}: ${problem.message}` };
  }
  const asTexts = (value: unknown, path: Path): unknown => {
    if (typeof value === 'number' || typeof value === 'boolean') return file.sourceOf(path) ?? String(value);
    if (Array.isArray(value)) return value.map((one, index) => asTexts(one, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asTexts(one, [...path, key])]));
  };
  return { value: asTexts(file.value, []) };
};
