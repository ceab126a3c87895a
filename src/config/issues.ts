import type * as z from 'zod';
import { nearest } from '../protocol/nearest.ts';
import { type Path, quoted } from './problem.ts';
import { inside, type Shape } from './shape.ts';

type Issue = z.core.$ZodIssue;
type Add = (path: Path, message: string) => void;

/** Keys that we know and do not honour, by the key of the mapping they stand in: what to say instead of "unknown key". */
export type Unsupported = (path: Path, key: string) => string | undefined;

/**
 * Turns a schema's issues into findings: what was seen and what to write. `value` is what was parsed; a value is only
 * repeated where no secret can stand.
 */
export const addIssues = (
  issues: readonly Issue[],
  value: unknown,
  shape: Shape,
  add: Add,
  unsupported: Unsupported = () => undefined,
): void => {
  for (const issue of issues) one(issue, { value, shape, add, unsupported }, []);
};

type About = {
  readonly value: unknown;
  readonly shape: Shape;
  readonly add: Add;
  readonly unsupported: Unsupported;
};

const one = (issue: Issue, about: About, prefix: Path): void => {
  // safe: keys of data from YAML and JSON are texts or indexes
  const path = [...prefix, ...issue.path] as Path;
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) about.add([...path, key], unknownKey(about, path, key));
    return;
  }
  const inner = innerIssues(issue);
  for (const each of inner) one(each, about, path);
  if (inner.length > 0) return;
  const value = valueAt(about.value, path);
  if (value === undefined && issue.code !== 'custom') {
    const kind = issue.code === 'invalid_type' ? kinds[issue.expected] : undefined;
    about.add(path, kind === undefined ? 'missing' : `missing; write ${kind}`);
    return;
  }
  const message = sentence(issue, value);
  // a rule about several keys says by itself what it saw
  const isAboutMore = issue.code === 'custom' && !/^(?:not an? |must be )/.test(message);
  const isRefusedKey = issue.code === 'invalid_type' && issue.expected === 'never';
  const saw = isAboutMore || isRefusedKey ? undefined : seenAt(about, path);
  about.add(path, saw === undefined ? message : `${message}; saw ${saw}`);
};

type UnionIssue = Extract<Issue, { readonly code: 'invalid_union' }>;

/** The issues that say more: of a mapping's keys, and of the branch of a union that the value was meant for. */
const innerIssues = (issue: Issue): readonly Issue[] => {
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') return issue.issues;
  return issue.code === 'invalid_union' ? (meantBranch(issue) ?? []) : [];
};

/** The branch whose outermost type fits the value. */
const meantBranch = ({ errors }: UnionIssue): readonly Issue[] | undefined => {
  const meant = errors.filter(
    (branch) => !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  const [first] = meant;
  return meant.length === 1 || first?.some(({ path }) => path.length > 0) ? first : undefined;
};

const sentence = (issue: Issue, value: unknown): string => {
  // a schema's own sentence goes before ours
  if (!/^Invalid |^Too |^Unrecognized /.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return oneOf(issue.values, value);
    case 'invalid_union':
      return anyOf(issue);
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'above' : 'at least'} ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must be ${issue.inclusive === false ? 'below' : 'at most'} ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return `not a valid ${formats[issue.format] ?? issue.format}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    default:
      return issue.message;
  }
};

const anyOf = ({ errors }: UnionIssue): string => {
  const wanted = errors.flat().flatMap((inner) => {
    if (inner.path.length > 0) return [];
    if (inner.code === 'invalid_type') return [kinds[inner.expected] ?? inner.expected];
    if (inner.code === 'invalid_value') return inner.values.map((value) => JSON.stringify(value));
    return inner.code === 'invalid_format' ? [`a valid ${formats[inner.format] ?? inner.format}`] : [];
  });
  return wanted.length > 0 ? `must be ${[...new Set(wanted)].join(' or ')}` : 'not of a form that is accepted here';
};

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
  array: 'a list',
};

const formats: Readonly<Record<string, string>> = { ipv4: 'IPv4 address', ipv6: 'IPv6 address', url: 'URL' };

const unitOf = (origin: string): string => {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' items' : '';
};

const oneOf = (values: readonly unknown[], seen: unknown): string => {
  const words = values.map((value) => JSON.stringify(value));
  const guess =
    typeof seen === 'string'
      ? nearest(
          seen,
          values.filter((value) => typeof value === 'string'),
        )
      : undefined;
  const wanted = words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(', ')}`;
  return guess === undefined ? wanted : `${wanted} (did you mean ${JSON.stringify(guess)}?)`;
};

const unknownKey = ({ shape, unsupported }: About, path: Path, key: string): string => {
  const why = unsupported(path, key);
  if (why !== undefined) return why;
  const known = [...(shapeAt(shape, path).shape?.keys?.keys() ?? [])];
  const guess = nearest(key, known);
  if (guess !== undefined) return `unknown key; did you mean ${JSON.stringify(guess)}?`;
  return known.length === 0 || known.length > 12 ? 'unknown key' : `unknown key; known are ${known.sort().join(', ')}`;
};

const shapeAt = (top: Shape, path: Path): { readonly shape: Shape | undefined; readonly inSecret: boolean } => {
  let shape: Shape | undefined = top;
  let inSecret = false;
  for (const step of path) {
    shape = inside(shape, step);
    inSecret ||= shape?.secret !== undefined;
  }
  return { shape, inSecret };
};

const valueAt = (top: unknown, path: Path): unknown => {
  let value = top;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    // safe: the line above found the key
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
};

const seenAt = ({ value, shape }: About, path: Path): string | undefined => {
  const at = shapeAt(shape, path);
  const there = valueAt(value, path);
  if (there === undefined) return undefined;
  return at.inSecret || at.shape === undefined || at.shape.hasSecrets ? kindOf(there) : seen(there);
};

const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  const kind = typeof value;
  return kind === 'object' ? 'a mapping' : kind === 'string' ? 'a text' : kind === 'number' ? 'a number' : `a ${kind}`;
};

/** A value as a message may repeat it: texts that may carry user info or references are not shown. */
const seen = (value: unknown): string => {
  if (typeof value === 'string') return /[@$]/.test(value) ? 'a text' : quoted(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
};
