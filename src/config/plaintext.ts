import { querySecrets } from '../protocol/query-secrets.ts';
import { plaintextSecretsIn } from './plaintext-secrets.ts';
import type { Path } from './problem.ts';
import { blockOf, type List, type ProberTable } from './schema.ts';
import { exampleReference, isSecretRef } from './secrets.ts';
import { type Add, wantedOf } from './target.ts';

/** Whether a URL is of plain http to another machine. */
export const isPlaintext = (text: string): boolean => {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:') return false;
  return !/^(?:(?:.*\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
};

/**
 * Warns of what a list shows to others: secrets that are written out in modules, targets and endpoints, secrets in the query of URLs,
 * and credentials that go over plain http to another machine.
 */
export const checkPlaintext = (list: List, probers: ProberTable, warning: Add): void => {
  const names = Object.keys(probers);
  const blocks = (entry: object, path: Path) => {
    for (const prober of names)
      for (const found of plaintextSecretsIn(blockOf(entry, prober)))
        warning([...path, prober, ...found.path], found.message);
  };
  for (const [name, entry] of Object.entries(list.modules)) blocks(entry, ['modules', name]);
  for (const { entry, path, textPath } of wantedOf(list)) {
    if (querySecrets(entry.target).length > 0) warning(textPath, inQuery);
    blocks(entry, path);
    for (const [index, also] of (entry.also ?? []).entries()) {
      const at = [...path, 'also', index];
      const text = typeof also === 'string' ? also : (also.target ?? '');
      if (querySecrets(text).length > 0) warning(at, inQuery);
      if (typeof also !== 'string') blocks(also, at);
    }
  }
  for (const [index, entry] of list.remote_write.entries()) checkEndpoint(entry, ['remote_write', index], warning);
  for (const [index, { server, token_file: token }] of (list.discover?.kubernetes ?? []).entries())
    if (server !== undefined && token !== undefined && isPlaintext(server))
      warning(
        ['discover', 'kubernetes', index, 'server'],
        'the token goes over plain http, where others can read it and change what is discovered; write https://',
      );
};

const inQuery = `the query holds a secret: everyone between can log it, and it is shown as ***; send it as a header instead, for example \`http: { headers: { X-Api-Key: ${exampleReference} } }\``;

const checkEndpoint = (entry: List['remote_write'][number], path: Path, warning: Add): void => {
  const secrets = plaintextSecretsIn(entry);
  for (const found of secrets) warning([...path, ...found.path], found.message);
  if (querySecrets(entry.url).length > 0)
    warning([...path, 'url'], `the query holds a secret: everyone between can log it; use authorization or a header`);
  if (isPlaintext(entry.url) && (secrets.length > 0 || sendsCredentials(entry)))
    warning([...path, 'url'], 'credentials go over plain http, where others can read them; write https://');
};

const sendsCredentials = (entry: List['remote_write'][number]): boolean =>
  [entry.basic_auth, entry.authorization, entry.bearer_token, entry.bearer_token_file].some(
    (one) => one !== undefined,
  ) ||
  querySecrets(entry.url).length > 0 ||
  Object.values(entry.headers).some(isSecretRef);

/** Warnings about where a list is read from: from a URL of plain http, or from a bucket at an endpoint of plain http. */
export const plaintextSources = (
  paths: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] => [
  ...new Set(
    paths.flatMap((path) => {
      if (isPlaintext(path))
        return [`the list comes over plain http, where others can read and change it; write https://`];
      if (!path.startsWith('s3://')) return [];
      const name = environment.AWS_ENDPOINT_URL_S3 === undefined ? 'AWS_ENDPOINT_URL' : 'AWS_ENDPOINT_URL_S3';
      return isPlaintext(environment[name] ?? '')
        ? [`${name}: the list comes over plain http, where others can read and change it; write https://`]
        : [];
    }),
  ),
];
