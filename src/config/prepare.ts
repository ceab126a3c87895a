import { createHmac, randomBytes } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { hasRawBytes } from '../protocol/raw-bytes.ts';
import { type Path, pathText } from './problem.ts';
import { exampleReference, isSecretRef, mentionsSecret, readSecret } from './secrets.ts';
import { inside, type Shape } from './shape.ts';
import { meantBy, spellingNote } from './spelling.ts';

/** Where a value comes from and where to tell what was met. */
export type PrepareContext = {
  /** Name of the file, for references to literals; empty for a list that was made in memory. */
  readonly file: string;
  /** Folder that relative paths of `*_file` keys start from. */
  readonly folder: string;
  /** A number or truth value as it was written. */
  readonly sourceOf: (path: Path) => string | undefined;
  readonly problem: (path: Path, message: string) => void;
  readonly warning: (path: Path, message: string) => void;
  /** Takes the value of a secret that stood in the list itself. */
  readonly literal: (reference: string, value: string) => void;
  /** Takes a reference that was read. */
  readonly reference: (path: Path, reference: string) => void;
  /** Takes the path of a file that the list names. */
  readonly usesFile: (path: Path, file: string) => void;
};

/**
 * Makes a list's raw data ready for its schema, as Go's parsers would read it: a number where a text belongs becomes the
 * text, a key without a value is not there. Secrets become references, relative file paths absolute.
 * The given value is not changed; parts that need nothing are shared with the result.
 */
export const prepare = (value: unknown, shape: Shape, context: PrepareContext): unknown =>
  walk(value, shape, [], context);

const walk = (
  value: unknown,
  shape: Shape | undefined,
  path: (string | number)[],
  context: PrepareContext,
): unknown => {
  if (typeof value === 'string') return text(value, shape, path, context);
  if (typeof value === 'number' || typeof value === 'boolean') {
    if (!shape?.text || shape.scalar) return value;
    return text(context.sourceOf(path) ?? String(value), shape, path, context);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (shape?.secret !== undefined && isSecretRef(value)) return value;
  return Array.isArray(value) ? list(value, shape, path, context) : mapping(value, shape, path, context);
};

const list = (
  values: readonly unknown[],
  shape: Shape | undefined,
  path: (string | number)[],
  context: PrepareContext,
): unknown => {
  let copy: unknown[] | undefined;
  for (const [index, value] of values.entries()) {
    path.push(index);
    const next = walk(value, inside(shape, index), path, context);
    path.pop();
    if (next !== value) {
      copy ??= [...values];
      copy[index] = next;
    }
  }
  return copy ?? values;
};

const mapping = (
  given: object,
  shape: Shape | undefined,
  path: (string | number)[],
  context: PrepareContext,
): unknown => {
  let copy: Record<string, unknown> | undefined;
  for (const [key, value] of Object.entries(given)) {
    const below = inside(shape, key);
    path.push(key);
    const next = namesFiles(key, below) ? files(value, path, context) : walk(value, below, path, context);
    path.pop();
    const gone = next === null && below !== undefined && !below.keepsNull;
    if (next === value && !gone) continue;
    copy ??= { ...given };
    if (gone) delete copy[key];
    else copy[key] = next;
  }
  return copy ?? given;
};

/** Keys that name files: `*_file`, and the lists `files` of `http_headers`. */
const namesFiles = (key: string, below: Shape | undefined): boolean =>
  (key.endsWith('_file') && below?.text === true) || (key === 'files' && below?.items?.text === true);

const files = (value: unknown, path: Path, context: PrepareContext): unknown => {
  if (Array.isArray(value)) return value.map((item, index) => files(item, [...path, index], context));
  if (typeof value !== 'string' || value === '') return value;
  const absolute = isAbsolute(value) ? value : join(context.folder, value);
  // What an agent discovers with is where the agent is, and comes and goes.
  if (path[0] !== 'discover') context.usesFile([...path], absolute);
  return absolute;
};

const text = (value: string, shape: Shape | undefined, path: Path, context: PrepareContext): unknown => {
  if (shape !== undefined && !shape.bytes && hasRawBytes(value)) context.problem([...path], 'must be UTF-8 text');
  if (shape?.secret === undefined) {
    if (shape !== undefined && mentionsSecret(value)) context.problem([...path], noSecretHere);
    const meant = shape === undefined ? undefined : meantBy(value, shape);
    if (meant === undefined) return value;
    context.warning([...path], spellingNote(value, meant));
    return meant;
  }
  const read = readSecret(value);
  if (read.kind === 'reference') {
    context.reference([...path], read.ref.secret);
    return read.ref;
  }
  if (read.kind === 'wrong') context.problem([...path], read.message);
  if (read.kind === 'wrong' || shape.secret === 'maybe') return value;
  const place = [context.file, pathText(path)].filter((part) => part !== '').join(':');
  const reference = `literal:${place}#${markOf(value)}`;
  context.literal(reference, value);
  context.warning([...path], `a secret stands here in the open; write a reference, for example ${exampleReference}`);
  return { secret: reference };
};

/**
 * Tells the literals of one place apart: a list that is read anew may have another there, and what still runs with the one before must
 * not get it. Made with a key of this process, so it says nothing about the text.
 */
const markOf = (value: string): string => createHmac('sha256', markKey).update(value).digest('hex').slice(0, 8);
const markKey = randomBytes(32);

const noSecretHere = 'a reference to a secret is not read here; see the docs for the keys that take one';
