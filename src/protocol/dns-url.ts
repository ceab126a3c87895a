import { classes, types } from './dns-names.ts';
import { hostAndPort } from './host-and-port.ts';

/** A name server, and the question that the URL asks, in the words of a `dns` module. */
export type DnsPlace = {
  readonly address: string;
  readonly host: string;
  readonly port?: number;
  readonly settings: { readonly query_name?: string; readonly query_type?: string; readonly query_class?: string };
};

/**
 * Reads `dns://server[:port]/name?class=IN;type=A`. Type A if none is written, as the RFC says; `&` may stand for `;`.
 * `undefined` if there is no server or a part is unknown.
 * @see https://www.rfc-editor.org/rfc/rfc4501
 */
export const parseDnsUrl = (url: string): DnsPlace | undefined => {
  const [, authority = '', path = '', query = ''] = /^dns:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(url) ?? [];
  const place = hostAndPort(authority);
  if (place === undefined) return undefined;
  const settings: { query_name?: string; query_type?: string; query_class?: string } = {};
  if (path !== '') {
    settings.query_name = decoded(path);
    settings.query_type = 'A';
  }
  for (const part of query.split(/[;&]/)) {
    if (part === '') continue;
    const [key = '', value = ''] = part.split('=');
    const word = value.toUpperCase();
    if (key.toLowerCase() === 'type' && Object.hasOwn(types, word)) settings.query_type = word;
    else if (key.toLowerCase() === 'class' && Object.hasOwn(classes, word)) settings.query_class = word;
    else return undefined;
  }
  return { address: authority, ...place, settings };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % stands for itself.
    return text;
  }
};
