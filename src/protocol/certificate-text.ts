/**
 * A distinguished name as RFC 4514 writes it: `CN=a,O=b`, most specific first. Takes Node's form: one line per part, most
 * general first, special characters already escaped.
 * @see https://www.rfc-editor.org/rfc/rfc4514#section-2
 */
export const distinguishedName = (lines: string): string =>
  lines === '' ? '' : lines.split('\n').reverse().join(',').replaceAll(' + ', '+');

const entry = /([A-Za-z ]+):(?:"((?:[^"\\]|\\.)*)"|([^,]*))(?:, |$)/gy;

/**
 * The DNS names of a subject alternative name as Node prints it (`DNS:a, IP Address:192.0.2.1`). A value with a comma or a
 * quote stands in quotes there, so that it cannot pass for another entry; what cannot be read ends the list.
 */
export const dnsNames = (alternatives: string): string[] => {
  const names: string[] = [];
  for (const [, type, quoted, plain] of alternatives.matchAll(entry)) {
    if (type === 'DNS') names.push(quoted ?? plain ?? '');
  }
  return names;
};
