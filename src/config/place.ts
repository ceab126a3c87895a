import type { Place } from '../net/prober.ts';
import { nearest } from '../protocol/nearest.ts';
import { withoutQuerySecrets } from '../protocol/query-secrets.ts';
import { quoted } from './problem.ts';
import type { ProberTable } from './schema.ts';
import { exampleReference } from './secrets.ts';
import { hasUserInfo, withoutUserInfo } from './user-info.ts';

const schemeOf = (text: string): string | undefined => /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();

/** The name of a target that has none: host, port and path as they are written. */
export const shortName = (text: string): string =>
  withoutUserInfo(text)
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/[?#].*$/s, '')
    .replace(/\/+$/, '');

/** The host of a target's text, as far as it can be seen without knowing its prober; that of a URL as it will be asked for. */
export const roughHost = (text: string): string => {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).hostname.replace(/^\[(.*)\]$/, '$1');
  const name = shortName(text).replace(/\/.*$/s, '');
  return /^\[(.*)\]/.exec(name)?.[1] ?? (/^[^:]*(?=:[^:]*$)/.exec(name)?.[0] || name);
};

/** The prober that a text's scheme belongs to. */
export const proberOfScheme = (scheme: string, probers: ProberTable): string | undefined =>
  Object.entries(probers).find(([, { schemes }]) => schemes.includes(scheme))?.[0];

/** Whether a text is for a prober: it knows the scheme, or there is none. */
export const fits = (text: string, prober: string, probers: ProberTable): boolean => {
  const scheme = schemeOf(text);
  return scheme === undefined || (probers[prober]?.schemes.includes(scheme) ?? false);
};

/** Where a target is and who probes it, or why its text is of no use; that sentence repeats no user info. */
export type Located =
  | { readonly ok: true; readonly prober: string; readonly place: Place }
  | { readonly ok: false; readonly message: string };

/**
 * Reads a target's text. `wanted` is the prober of the module that was chosen for it; without one the scheme decides.
 */
export const locate = (text: string, wanted: string | undefined, probers: ProberTable): Located => {
  if (hasUserInfo(text)) return { ok: false, message: noUserInfo };
  const scheme = schemeOf(text);
  const owner = scheme === undefined ? undefined : proberOfScheme(scheme, probers);
  const name = wanted ?? owner;
  if (name === undefined)
    return { ok: false, message: scheme === undefined ? noScheme(text, probers) : unknownScheme(scheme, probers) };
  const prober = probers[name];
  if (prober === undefined) return { ok: false, message: `there is no prober ${quoted(name)}` };
  const foreign = owner !== undefined && owner !== name && !prober.schemes.includes(scheme ?? '');
  const place = foreign ? undefined : prober.locate(text);
  if (place !== undefined) return { ok: true, prober: name, place };
  const forms = prober.schemes.map((own) => `${own}://HOST:PORT`).join(' or ');
  return { ok: false, message: `not a target of the prober ${name}; write for example ${forms}; saw ${shown(text)}` };
};

const noUserInfo = `a user name or password in a target is not accepted; write them as basic_auth in the block of the prober, the password as a reference such as ${exampleReference}`;

/** The text for a message; a password may stand before an @, in forms that are no URL. */
const shown = (text: string): string => (text.includes('@') ? 'a text with @' : quoted(withoutQuerySecrets(text)));

const schemesOf = (probers: ProberTable): string[] => Object.values(probers).flatMap(({ schemes }) => [...schemes]);

const noScheme = (text: string, probers: ProberTable): string =>
  `a target without a scheme needs a module; write ${schemesOf(probers)
    .map((scheme) => `${scheme}://`)
    .join(', ')} before it, or \`module:\`; saw ${shown(text)}`;

const unknownScheme = (scheme: string, probers: ProberTable): string => {
  const known = schemesOf(probers);
  const guess = nearest(scheme, known);
  const hint =
    guess === undefined ? `known are ${known.map((one) => `${one}://`).join(', ')}` : `did you mean ${guess}://?`;
  return `no prober for ${scheme}://; ${hint}`;
};

/** A place under another scheme: `https://shop.example` and `tcp` give `tcp://shop.example:443`. */
export const underScheme = (scheme: string, { host, port }: Place): string => {
  const written = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${scheme}://${written}${port === undefined ? '' : `:${port}`}`;
};
