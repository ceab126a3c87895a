/**
 * Whether a DNS name of a certificate is for a host. ASCII in either case; a wildcard is the whole first label and stands for
 * exactly one label of any characters; a lone `*` matches nothing. The dot that ends an absolute host counts for nothing.
 * @see https://www.rfc-editor.org/rfc/rfc9525#section-6.3
 */
export const isNameFor = (pattern: string, host: string): boolean => {
  const wanted = lowerCase(host.replace(/\.$/, ''));
  const given = lowerCase(pattern);
  if (wanted === '' || wanted.startsWith('.') || /\p{Cc}/u.test(wanted)) return false;
  if (!given.startsWith('*.')) return given === wanted;
  const dot = wanted.indexOf('.');
  return dot > 0 && given.slice(1) === wanted.slice(dot) && given.length > 2;
};

const lowerCase = (name: string): string => name.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
