/** An address as text, and its family. */
export type Address = { readonly ip: string; readonly family: 4 | 6 };

/**
 * The bytes of an address: 4 for IPv4, also when it is mapped into IPv6 (`::ffff:192.0.2.1`), else 16.
 * Zone identifiers are ignored. `undefined` for a text that is no address (RFC 4291, section 2.2).
 */
export const addressBytes = (text: string): Uint8Array | undefined => {
  const address = text.split('%', 1)[0] ?? '';
  const bytes = address.includes(':') ? sixBytes(address) : fourBytes(address);
  if (bytes?.length === 16 && isMapped(bytes)) return bytes.subarray(12);
  return bytes;
};

/** The text of 4 bytes, or of 16 in the form of RFC 5952; the empty text for another number of bytes. */
export const addressText = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)].map((match) => match[0]);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const [head = '', ...tail] = text.split(longest);
  return `${head}::${tail.join(longest).replace(/^:/, '')}`.replace(/:{3,}/, '::');
};

const decimal = /^(?:0|[1-9]\d{0,2})$/;

const fourBytes = (text: string): Uint8Array | undefined => {
  // Nearly all that is asked about are names.
  if (!/^\d/.test(text)) return undefined;
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => decimal.test(part) && Number(part) < 256)) return undefined;
  return Uint8Array.from(parts, Number);
};

const group = /^[0-9a-f]{1,4}$/i;

const sixBytes = (text: string): Uint8Array | undefined => {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(halfBytes);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (tail === undefined) return head.length === 16 ? Uint8Array.from(head) : undefined;
  const gap = 16 - head.length - tail.length;
  return gap >= 2 ? Uint8Array.from([...head, ...new Array<number>(gap).fill(0), ...tail]) : undefined;
};

const halfBytes = (half: string): number[] | undefined => {
  if (half === '') return [];
  const bytes: number[] = [];
  const groups = half.split(':');
  for (const [index, text] of groups.entries()) {
    if (index === groups.length - 1 && text.includes('.')) {
      const four = fourBytes(text);
      if (four === undefined) return undefined;
      bytes.push(...four);
    } else if (group.test(text)) {
      const value = Number.parseInt(text, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes.length <= 16 ? bytes : undefined;
};

const isMapped = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
