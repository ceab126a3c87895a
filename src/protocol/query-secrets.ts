import { isSecretHeader } from './literal-secrets.ts';
import { masked } from './mask.ts';

/** A parameter of a query or fragment, with the sign before it. */
const parameter = /([?&;#])([^=&;#?]+)=([^&;#]*)/g;

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
};

/** A URL may stand in a parameter of another, and so on. */
const isSecret = (name: string, value: string, depth = 0): boolean =>
  value !== '' &&
  value !== masked &&
  (isSecretHeader(decoded(name), decoded(value)) || (depth < 3 && secretsIn(decoded(value), depth + 1).length > 0));

const secretsIn = (text: string, depth: number): readonly string[] =>
  [...text.matchAll(parameter)].flatMap(([, , name = '', value = '']) => (isSecret(name, value, depth) ? [value] : []));

/** The values in the query of a URL that are secrets by their names (`apikey`, `token`, `sig` …) or their form, as they are written. */
export const querySecrets = (url: string): readonly string[] => secretsIn(url, 0);

/** A URL with `***` in the place of {@link querySecrets}; all else is as it was. */
export const withoutQuerySecrets = (url: string): string =>
  url.replaceAll(parameter, (whole, sign: string, name: string, value: string) =>
    isSecret(name, value) ? `${sign}${name}=${masked}` : whole,
  );
