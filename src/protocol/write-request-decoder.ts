import { Buffer } from 'node:buffer';
import type { EpochMs } from '../kernel/check.ts';

/** A time series as it came: labels in the order in which they were sent, values with their times. */
export type ReceivedSeries = {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly { readonly at: EpochMs; readonly value: number | 'stale' }[];
};

/** What {@link decodeWriteRequest} gives. */
export type Decoded =
  | { readonly ok: true; readonly series: readonly ReceivedSeries[] }
  | { readonly ok: false; readonly why: string };

/**
 * Reads a WriteRequest of remote write 1.0. Never throws; refuses more than {@link mostFields} fields, so that time and memory are
 * bounded whatever the input. Fields it does not know (exemplars, histograms, metadata) are skipped, as protobuf demands.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export const decodeWriteRequest = (bytes: Uint8Array): Decoded => {
  const reader = readerOf(bytes);
  const series: ReceivedSeries[] = [];
  try {
    for (const { number, sub } of reader.fields(0, bytes.length)) {
      if (number === 1 && sub !== undefined) series.push(readSeries(reader, sub));
    }
    return { ok: true, series };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, why: error.message };
    throw error;
  }
};

class Malformed extends Error {}

/** A request of 10,000 samples with 20 labels each has 650,000. */
const mostFields = 1_000_000;

type Range = readonly [start: number, end: number];
type Field = { readonly number: number; readonly sub: Range | undefined; readonly at: number };
type Reader = ReturnType<typeof readerOf>;

const readerOf = (bytes: Uint8Array) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let count = 0;
  /** Most are small; the others need more bits than a number has. */
  const varint = (end: number): number => {
    let value = 0;
    let place = at;
    for (let unit = 1; unit < 2 ** 42; unit *= 0x80) {
      if (place >= end) throw new Malformed('a number ends too early');
      const byte = bytes[place++] ?? 0;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        at = place;
        return value;
      }
    }
    return Number(longVarint(end));
  };
  const longVarint = (end: number): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= end) throw new Malformed('a number ends too early');
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Malformed('a number is too long');
  };
  const skip = (length: number, end: number): Range => {
    if (length > end - at) throw new Malformed('a field is longer than what holds it');
    at += length;
    return [at - length, at];
  };
  const fields = function* (start: number, end: number): Generator<Field> {
    for (let next = start; next < end; ) {
      at = next;
      count += 1;
      if (count > mostFields) throw new Malformed(`there are more than ${mostFields} fields`);
      const key = varint(end);
      const number = Math.floor(key / 8);
      if (number === 0) throw new Malformed('a field has number 0');
      const valueAt = at;
      let sub: Range | undefined;
      switch (key % 8) {
        case 0:
          varint(end);
          break;
        case 1:
          skip(8, end);
          break;
        case 2:
          sub = skip(varint(end), end);
          break;
        case 5:
          skip(4, end);
          break;
        default:
          throw new Malformed('a field has an unknown wire type');
      }
      next = at;
      yield { number, sub, at: valueAt };
    }
  };
  const text = ([start, end]: Range): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  const varintAt = (place: number): bigint => {
    at = place;
    return longVarint(bytes.length);
  };
  return { fields, text, view, varintAt };
};

const readSeries = (reader: Reader, [start, end]: Range): ReceivedSeries => {
  const labels: (readonly [string, string])[] = [];
  const samples: { at: EpochMs; value: number | 'stale' }[] = [];
  for (const { number, sub } of reader.fields(start, end)) {
    if (sub === undefined) continue;
    if (number === 1) labels.push(readLabel(reader, sub));
    if (number === 2) samples.push(readSample(reader, sub));
  }
  return { labels, samples };
};

const readLabel = (reader: Reader, [start, end]: Range): readonly [string, string] => {
  let name = '';
  let value = '';
  for (const { number, sub } of reader.fields(start, end)) {
    if (sub === undefined) continue;
    if (number === 1) name = reader.text(sub);
    if (number === 2) value = reader.text(sub);
  }
  return [name, value];
};

const readSample = (reader: Reader, [start, end]: Range): { at: EpochMs; value: number | 'stale' } => {
  let value: number | 'stale' = 0;
  let time = 0;
  for (const { number, at } of reader.fields(start, end)) {
    // A value cut short was refused above, so eight bytes are there whenever the wire type was a double's.
    if (number === 1 && at + 8 <= end) value = isStale(reader.view, at) ? 'stale' : reader.view.getFloat64(at, true);
    if (number === 2) time = Number(BigInt.asIntN(64, reader.varintAt(at)));
  }
  return { at: time, value };
};

/** 0x7ff0000000000002, as whole numbers: a NaN's bits may change on the way through a JavaScript number. */
const isStale = (view: DataView, at: number): boolean =>
  view.getUint32(at, true) === 2 && view.getUint32(at + 4, true) === 0x7ff00000;
