/** Attribute types that Go writes by name, in the order in which it writes them, whatever the order in the certificate. */
const named = ['serialNumber', 'CN', 'OU', 'O', 'postalCode', 'street', 'L', 'ST', 'C'];

const written: Readonly<Record<string, string>> = {
  serialNumber: 'SERIALNUMBER',
  postalCode: 'POSTALCODE',
  street: 'STREET',
};

/** Attribute types that OpenSSL writes by name and Go by number. */
const numbers: Readonly<Record<string, string>> = {
  emailAddress: '1.2.840.113549.1.9.1',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  SN: '2.5.4.4',
  title: '2.5.4.12',
  businessCategory: '2.5.4.15',
  GN: '2.5.4.42',
  dnQualifier: '2.5.4.46',
  organizationIdentifier: '2.5.4.97',
  jurisdictionL: '1.3.6.1.4.1.311.60.2.1.1',
  jurisdictionST: '1.3.6.1.4.1.311.60.2.1.2',
  jurisdictionC: '1.3.6.1.4.1.311.60.2.1.3',
};

/** Types of which Go keeps one value: the last. */
const single: ReadonlySet<string> = new Set(['CN', 'serialNumber']);

/** Node writes control characters in hexadecimal, Go as they are; all else is escaped alike. */
const escaped = /\\(?:([0-9A-F]{2})|.)/g;
const unescaped = (whole: string, hex: string | undefined) =>
  hex === undefined ? whole : String.fromCharCode(Number.parseInt(hex, 16));

/**
 * A distinguished name as blackbox_exporter writes it: `CN=a,OU=b+OU=c,O=d`, Go's order, values escaped (RFC 4514), and
 * after them the types that Go has no name for, last first. Takes Node's form: one line per part, special characters escaped.
 * @see https://pkg.go.dev/crypto/x509/pkix#Name.String
 */
export const distinguishedName = (lines: string): string => {
  if (lines === '') return '';
  const values = new Map<string, string[]>();
  const others: string[] = [];
  for (const part of lines.split('\n').flatMap((line) => line.split(' + '))) {
    const equals = part.indexOf('=');
    const type = part.slice(0, equals);
    const value = part.slice(equals + 1).replace(escaped, unescaped);
    if (!named.includes(type)) others.unshift(`${numbers[type] ?? type}=${value}`);
    else if (single.has(type)) values.set(type, [value]);
    else values.set(type, [...(values.get(type) ?? []), value]);
  }
  const parts = named.flatMap((type) => {
    const ofType = values.get(type);
    return ofType === undefined ? [] : [ofType.map((value) => `${written[type] ?? type}=${value}`).join('+')];
  });
  return [...parts, ...others].join(',');
};

const entry = /([A-Za-z ]+):(?:"((?:[^"\\]|\\.)*)"|((?:[^",][^,]*)?))(?:, |$)/gy;

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
