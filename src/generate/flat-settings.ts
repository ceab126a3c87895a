import { plaintextSecretsIn } from '../config/plaintext-secrets.ts';
import { isSecretRef } from '../config/secrets.ts';
import { formatDuration } from '../kernel/duration.ts';

/** Where settings were read: their secrets that stand in the open, by reference, and the folder that files are named from. */
export type Origin = { readonly literals?: ReadonlyMap<string, string>; readonly folder?: string };

/** A value as a list writes it, and what tells it from another one: of a secret in the open the text says nothing. */
type Said = { readonly text: string; readonly value: string };

/** Settings by their paths. */
export type FlatSettings = ReadonlyMap<string, Said>;

/** A setting that is not as it was. What was not set has no text. */
export type SettingChange = { readonly key: string; readonly before?: string; readonly after?: string };

/** Settings as paths and texts, as a list writes them. Secrets are references, those in the open only say that they are. */
export const flatSettings = (settings: object, origin: Origin = {}): FlatSettings => {
  const found = new Map<string, Said>();
  flatten(settings, { start: '', origin, hidden: new Set() }, found);
  return found;
};

/** Where a walk stands, and the paths whose values are secrets that are written out. */
type Place = { readonly start: string; readonly origin: Origin; readonly hidden: Set<string> };

const flatten = (value: object, { start, origin, hidden }: Place, into: Map<string, Said>): void => {
  const below = (key: string | number, from: string, isIndex: boolean) =>
    isIndex ? `${from}[${key}]` : from === '' ? String(key) : `${from}.${key}`;
  for (const { path } of plaintextSecretsIn(value)) {
    // Values of a list stand together in one text.
    const keys = typeof path.at(-1) === 'number' ? path.slice(0, -1) : path;
    hidden.add(keys.reduce<string>((from, key) => below(key, from, typeof key === 'number'), start));
  }
  for (const [key, one] of Object.entries(value)) {
    const path = below(key, start, Array.isArray(value));
    if (isSecretRef(one)) into.set(path, secretSaid(one.secret, origin));
    else if (isBlock(one)) flatten(one, { start: path, origin, hidden }, into);
    else if (hidden.has(path)) into.set(path, { text: inPlaintext, value: `literal ${JSON.stringify(one)}` });
    else if (one !== undefined) into.set(path, said(key, one, origin));
  }
};

const inPlaintext = '(a secret in the open)';

/** What has keys of its own: a mapping, or a list of such. */
const isBlock = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  (!Array.isArray(value) || value.some((one) => typeof one === 'object' && one !== null));

const secretSaid = (secret: string, { literals }: Origin): Said =>
  secret.startsWith('literal:')
    ? { text: inPlaintext, value: `literal ${literals?.get(secret) ?? ''}` }
    : { text: `\${${secret}}`, value: secret };

const said = (key: string, value: unknown, origin: Origin): Said => {
  if (Array.isArray(value))
    return same(JSON.stringify(key === 'files' ? value.map((one) => file(one, origin)) : value));
  if (typeof value !== 'string') return same(JSON.stringify(value));
  if (key.endsWith('_file')) return same(file(value, origin));
  if (key === 'url') return { text: urlText(value), value };
  return same(value === '' ? '""' : value);
};

/** A file as it is named from the list: the same in two checkouts of one repository. */
const file = (path: string, { folder }: Origin): string =>
  folder !== undefined && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;

const same = (text: string): Said => ({ text, value: text });

/** A URL without what may be a secret. */
const urlText = (text: string): string => {
  const url = URL.parse(text);
  if (url === null) return text;
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?(not shown)'}`;
};

/** What differs, in the order of the keys. An empty list says as much as none. */
export const settingChanges = (before: FlatSettings, after: FlatSettings): readonly SettingChange[] => {
  const changes: SettingChange[] = [];
  for (const [key, { text, value }] of after) {
    const was = before.get(key);
    if (was === undefined) {
      if (text !== '[]') changes.push({ key, after: text });
    } else if (was.value !== value) changes.push({ key, before: was.text, after: text });
  }
  for (const [key, { text }] of before) if (!after.has(key) && text !== '[]') changes.push({ key, before: text });
  return changes.sort((a, b) => (a.key < b.key ? -1 : 1));
};

const day = 86_400_000;

/** A duration as a list writes it: `30d`, `1m30s`. */
export const durationInList = (ms: number): string => (ms > 0 && ms % day === 0 ? `${ms / day}d` : formatDuration(ms));
