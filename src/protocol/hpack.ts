import { Buffer } from 'node:buffer';
import { decodeHuffman } from './hpack-huffman.ts';
import { staticFields } from './hpack-static.ts';
import type { Field } from './http1-head.ts';

/** Decodes the header blocks of one connection, in order. */
export type HpackDecoder = {
  /**
   * Decodes one complete block; fields go to `onField` as byte text, which ends the decoding by returning false. What is wrong is
   * the end of the sentence "the response ...". After a problem or an early end the table is of no more use.
   */
  readonly decode: (block: Uint8Array, onField: (name: string, value: string) => boolean) => string | undefined;
};

/** The size of the dynamic table unless we announce another, in bytes. */
const hpackTableSize = 4_096;

/** What an entry of the table costs beside its bytes (RFC 7541, section 4.1), and a field in the size of a header list. */
export const fieldOverhead = 32;

/**
 * A decoder with a dynamic table of at most `mostSize` bytes. Never throws. What a block decodes to can be far larger than the
 * block, so `onField` keeps count and ends it.
 * @see https://www.rfc-editor.org/rfc/rfc7541
 */
export const hpackDecoder = (mostSize = hpackTableSize): HpackDecoder => {
  const table = dynamicTable(mostSize);
  const fieldAt = (index: number): Field | undefined =>
    index <= staticFields.length ? staticFields[index - 1] : table.at(index - staticFields.length - 1);

  const decode: HpackDecoder['decode'] = (block, onField) => {
    const input = reader(block);
    let isStart = true;
    while (!input.isOver()) {
      const first = input.peek();
      if ((first & 0xe0) === 0x20) {
        const size = input.integer(5);
        if (size === undefined) return malformed;
        // Midway it is malformed; like Go's decoder we let it pass as long as the table is empty.
        if (!isStart && !table.isEmpty()) return 'has a header block that changes the size of its table midway';
        if (size > mostSize) return `has a header block that wants a table of ${size} bytes; ${mostSize} are allowed`;
        table.resize(size);
        continue;
      }
      isStart = false;
      if ((first & 0x80) !== 0) {
        const index = input.integer(7);
        if (index === undefined) return malformed;
        const field = fieldAt(index);
        if (field === undefined) return `has a header block with the index ${index}, which no field has`;
        if (!onField(field[0], field[1])) return undefined;
        continue;
      }
      const isKept = (first & 0x40) !== 0;
      const index = input.integer(isKept ? 6 : 4);
      if (index === undefined) return malformed;
      const name = index === 0 ? input.text() : fieldAt(index)?.[0];
      if (name === undefined)
        return index === 0 ? malformed : `has a header block with the index ${index}, which no field has`;
      const value = input.text();
      if (value === undefined) return malformed;
      if (isKept) table.add([name, value]);
      if (!onField(name, value)) return undefined;
    }
    return undefined;
  };
  return { decode };
};

const malformed = 'has a header block that is not HPACK';

/** Entries from the newest on. They are kept oldest first, so that adding and evicting are cheap. */
const dynamicTable = (mostSize: number) => {
  let entries: Field[] = [];
  let oldest = 0;
  let size = 0;
  let limit = mostSize;
  const evict = () => {
    for (let entry = entries[oldest]; size > limit && entry !== undefined; entry = entries[oldest]) {
      size -= sizeOf(entry);
      oldest += 1;
    }
    if (oldest > 256) {
      entries = entries.slice(oldest);
      oldest = 0;
    }
  };
  return {
    isEmpty: () => size === 0,
    at: (index: number): Field | undefined =>
      index >= entries.length - oldest ? undefined : entries[entries.length - 1 - index],
    add: (entry: Field) => {
      entries.push(entry);
      size += sizeOf(entry);
      evict();
    },
    resize: (to: number) => {
      limit = to;
      evict();
    },
  };
};

/** Bytes of a field as tables and header lists count them. */
export const sizeOf = ([name, value]: Field): number => name.length + value.length + fieldOverhead;

/** Reads integers and strings (RFC 7541, section 5); what is cut or overflows gives `undefined`. */
const reader = (block: Uint8Array) => {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  let at = 0;
  const integer = (bits: number): number | undefined => {
    const mask = (1 << bits) - 1;
    let value = (bytes[at] ?? 0) & mask;
    at += 1;
    if (value < mask) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const next = bytes[at];
      if (next === undefined) return undefined;
      at += 1;
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    return undefined;
  };
  return {
    isOver: () => at >= bytes.length,
    peek: () => bytes[at] ?? 0,
    integer,
    text: (): string | undefined => {
      const start = bytes[at];
      if (start === undefined) return undefined;
      const length = integer(7);
      if (length === undefined || length > bytes.length - at) return undefined;
      const end = at + length;
      const text = (start & 0x80) === 0 ? bytes.toString('latin1', at, end) : decodeHuffman(bytes.subarray(at, end));
      at = end;
      return text;
    },
  };
};

/**
 * Encodes a header block without any state: fields and names of the static table by their index, all else literally. Fields that
 * `isSensitive` names must never be indexed on the way (RFC 7541, section 7.1.3). Names and values are byte text.
 */
export const encodeHpack = (fields: readonly Field[], isSensitive: (name: string) => boolean): Buffer => {
  let text = '';
  for (const [name, value] of fields) {
    const whole = indexes.get(`${name}\n${value}`);
    if (whole !== undefined) {
      text += String.fromCharCode(0x80 | whole);
      continue;
    }
    text += prefixed(names.get(name) ?? 0, 4, isSensitive(name) ? 0x10 : 0);
    if (!names.has(name)) text += literal(name);
    text += literal(value);
  }
  return Buffer.from(text, 'latin1');
};

const indexes = new Map(staticFields.map(([name, value], place) => [`${name}\n${value}`, place + 1]));
const names = new Map(staticFields.map(([name], place): [string, number] => [name, place + 1]).reverse());

const literal = (text: string) => prefixed(text.length, 7, 0) + text;

/** An integer whose first byte has `flags` before so many bits (RFC 7541, section 5.1). */
const prefixed = (value: number, bits: number, flags: number): string => {
  const mask = (1 << bits) - 1;
  if (value < mask) return String.fromCharCode(flags | value);
  let text = String.fromCharCode(flags | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) text += String.fromCharCode(0x80 | (rest % 0x80));
  return text + String.fromCharCode(rest);
};
