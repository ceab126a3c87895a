import { createHash } from 'node:crypto';
import type { Labels } from '../kernel/check.ts';
import { isPrintable, printable } from '../kernel/printable.ts';

/** The longest value of a label that a peer chose, in bytes. Mimir refuses 2,048, and with the sample all that came along. */
const mostBytes = 1_024;

/**
 * The labels of a point as they may be stored, pushed and shown. Values can come from a peer (a certificate's names, a captured
 * text), so control characters are made visible, and a value of more than 1,024 bytes is cut at a character and ends with
 * `…#` and the first 16 digits of the SHA-256 of the whole. The same object if nothing had to change.
 */
export const peerLabels = (labels: Labels): Labels => {
  for (const name in labels) {
    if (isFit(labels[name] ?? '')) continue;
    return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, peerLabel(value)]));
  }
  return labels;
};

/** A UTF-16 unit takes 3 bytes at most, so a short text needs no counting. */
const isFit = (value: string): boolean =>
  isPrintable(value) && (value.length * 3 <= mostBytes || Buffer.byteLength(value) <= mostBytes);

const peerLabel = (value: string): string => {
  if (isFit(value)) return value;
  const bytes = Buffer.from(printable(value));
  if (bytes.length <= mostBytes) return bytes.toString();
  const end = `…#${createHash('sha256').update(value).digest('hex').slice(0, 16)}`;
  let length = mostBytes - Buffer.byteLength(end);
  // Not within a character: its later bytes are 10xxxxxx.
  while (((bytes[length] ?? 0) & 0xc0) === 0x80) length -= 1;
  return `${bytes.toString('utf8', 0, length)}${end}`;
};
