import { nearest } from '../protocol/nearest.ts';
import type { Remarks } from './found.ts';
import type { Metadata } from './objects.ts';

/** THE table of annotations, all under `bothways.io/`. */
export const annotations = {
  probe:
    'Whether to probe a Service or Pod, and how to probe any object: `true`, or a scheme such as `https`, `tcp`, `icmp`. `false` as `skip`.',
  skip: '`true`: this object is left alone.',
  module: 'The module of the list to probe with.',
  interval: 'Time from one run to the next, for example `15s`.',
  timeout: 'Time limit of a run.',
  path: 'Path to ask for, instead of those of the rules.',
  port: 'Port, by number; of a Service or Pod by name too, and the first one if not set.',
  expect: 'Regular expression that the first 64 KB of the body have to match.',
} as const;

type Name = keyof typeof annotations;

const prefix = 'bothways.io/';

/** What the annotations of an object ask for. */
export type Wishes = {
  readonly get: (name: Name) => string | undefined;
  readonly skip: boolean;
};

/** Reads the annotations of an object. One that is not known is remarked, since it is most likely misspelt. */
export const wishesOf = (metadata: Metadata, remarks: Remarks): Wishes => {
  const get = (name: Name): string | undefined => {
    const value = metadata.annotations[prefix + name]?.trim();
    return value === '' ? undefined : value;
  };
  const known = Object.keys(annotations);
  for (const key of Object.keys(metadata.annotations)) {
    const name = key.slice(prefix.length);
    if (!key.startsWith(prefix) || known.includes(name)) continue;
    const meant = nearest(name, known);
    const advice = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${prefix}${meant}?`;
    remarks.add(`unknown annotation ${prefix}${name}; ${advice}`);
  }
  const skip = get('skip')?.toLowerCase();
  if (skip !== undefined && skip !== 'true' && skip !== 'false') remarks.add(`${prefix}skip: write true or false`);
  return { get, skip: skip === 'true' || get('probe')?.toLowerCase() === 'false' };
};

/** The scheme that is asked for; `undefined` where the object is to say it, or a sentence on what is wrong. */
export const schemeOf = ({ get }: Wishes): string | undefined | { readonly problem: string } => {
  const wanted = get('probe')?.toLowerCase();
  if (wanted === undefined || wanted === 'true') return undefined;
  if (/^[a-z][a-z0-9+.-]*$/.test(wanted)) return wanted;
  return { problem: 'bothways.io/probe: write true, false, or a scheme such as http, https, tcp, tls, icmp' };
};

/** Schemes that ask for a path. */
export const withPath: ReadonlySet<string> = new Set(['http', 'https']);
/** Schemes that have no port. */
export const withoutPort: ReadonlySet<string> = new Set(['icmp', 'mtr']);

/** What the wishes of an object, which are the same for all its targets, say of an entry. */
export const entryOf = (wishes: Wishes, target: string, labels: Readonly<Record<string, string>>) => {
  const { get } = wishes;
  const [module, interval, timeout, expect] = [get('module'), get('interval'), get('timeout'), get('expect')];
  return {
    target,
    labels,
    ...(module === undefined ? {} : { module }),
    ...(interval === undefined ? {} : { interval }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(expect === undefined ? {} : expectation(target, expect)),
  };
};

/** The page is the object's as well as the expression, so that only a part of it is searched; a line of a dialogue has 64 KB at most. */
const expectation = (target: string, expect: string) =>
  /^https?:/.test(target)
    ? { http: { fail_if_body_not_matches_regexp: [expect], body_match_limit: '64KB' } }
    : { tcp: { query_response: [{ expect }] } };
