import { Buffer } from 'node:buffer';
import type { Metric } from '../kernel/metric.ts';
import { allLabels, isNameFirst, type LabelPairs, type Sample, type Series } from '../kernel/sample.ts';

// Remote write 1.0, as protobuf (tags: field number * 8 + wire type):
//   WriteRequest  1 timeseries (repeated TimeSeries)
//   TimeSeries    1 labels (repeated Label)   2 samples (repeated Sample)
//   Label         1 name                      2 value
//   Sample        1 value (double)            2 timestamp (int64, milliseconds)
// https://prometheus.io/docs/specs/prw/remote_write_spec/

const tag = { timeseries: 0x0a, label: 0x0a, sample: 0x12, name: 0x0a, text: 0x12, double: 0x09, time: 0x10 } as const;

/** The low and high words of the NaN that marks a series as ended (0x7ff0000000000002). */
const stale = { low: 2, high: 0x7ff00000 } as const;

/** Grows by doubling and is used again; callers get a copy of what they need. */
let buffer = Buffer.allocUnsafe(64 * 1_024);
let view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
const largestKept = 4 * 1_024 * 1_024;

const reserve = (bytes: number): void => {
  if (bytes <= buffer.length) return;
  const grown = Buffer.allocUnsafe(Math.max(bytes, buffer.length * 2));
  buffer.copy(grown);
  buffer = grown;
  view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
};

/** Labels as they travel, encoded once: probe series come back at every run. */
const kept = new WeakMap<LabelPairs | Series, Uint8Array>();
const keptNames = new WeakMap<Metric, Uint8Array>();
const nothing = new Uint8Array(0);

const nameOf = (series: Series): Uint8Array => {
  if (!isNameFirst(series)) return nothing;
  const { metric } = series;
  let bytes = keptNames.get(metric);
  if (bytes === undefined) {
    bytes = keep(encodeLabels([['__name__', metric.name]]));
    keptNames.set(metric, bytes);
  }
  return bytes;
};

/** The labels after the name, which series share; all labels of a series whose name is not the first of them. */
const restOf = (series: Series): Uint8Array => {
  const key = isNameFirst(series) ? series.labels : series;
  let bytes = kept.get(key);
  if (bytes === undefined) {
    bytes = keep(encodeLabels(key === series ? allLabels(series) : series.labels));
    kept.set(key, bytes);
  }
  return bytes;
};

/** Bytes that are kept lie close together: in Node's own pool they would keep alive all that lay between them for a moment. */
const slabLength = 64 * 1_024;
let slab = Buffer.allocUnsafeSlow(slabLength);
let slabUsed = 0;

const keep = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length > slabLength / 4) return new Uint8Array(bytes);
  if (slabUsed + bytes.length > slabLength) {
    slab = Buffer.allocUnsafeSlow(slabLength);
    slabUsed = 0;
  }
  slab.set(bytes, slabUsed);
  slabUsed += bytes.length;
  return slab.subarray(slabUsed - bytes.length, slabUsed);
};

const encodeLabels = (labels: LabelPairs): Uint8Array => {
  const parts: Buffer[] = [];
  for (const [name, value] of labels) {
    const label = Buffer.concat([field(tag.name, name), field(tag.text, value)]);
    parts.push(Buffer.concat([lengthDelimited(tag.label, label.length), label]));
  }
  return Buffer.concat(parts);
};

const field = (key: number, text: string): Buffer => {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([lengthDelimited(key, bytes.length), bytes]);
};

const lengthDelimited = (key: number, length: number): Buffer => {
  const bytes = [key];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
};

/**
 * A WriteRequest with one time series per sample, in the order given. Labels must be sorted and not empty, as `Series` says;
 * times must be safe integers. The result is the caller's own.
 */
export const writeRequest = (samples: readonly Sample[]): Uint8Array => {
  let at = 0;
  let last: LabelPairs | undefined;
  let rest: Uint8Array = nothing;
  for (const { series, at: time, value } of samples) {
    const name = nameOf(series);
    // Samples of a run follow each other, and most have the same labels.
    if (name === nothing || series.labels !== last) rest = restOf(series);
    last = name === nothing ? undefined : series.labels;
    const sampleLength = 9 + timeSize(time);
    const seriesLength = name.length + rest.length + 2 + sampleLength;
    reserve(at + seriesLength + 8);
    buffer[at++] = tag.timeseries;
    at = writeVarint(seriesLength, at);
    buffer.set(name, at);
    at += name.length;
    buffer.set(rest, at);
    at += rest.length;
    buffer[at++] = tag.sample;
    buffer[at++] = sampleLength;
    buffer[at++] = tag.double;
    if (value === 'stale') {
      // From integers: a NaN that passes through a JavaScript number may come out as another NaN.
      view.setUint32(at, stale.low, true);
      view.setUint32(at + 4, stale.high, true);
    } else view.setFloat64(at, value, true);
    at += 8;
    buffer[at++] = tag.time;
    at = writeTime(time, at);
  }
  const bytes = new Uint8Array(buffer.subarray(0, at));
  if (buffer.length > largestKept) {
    buffer = Buffer.allocUnsafe(64 * 1_024);
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }
  return bytes;
};

const writeVarint = (value: number, start: number): number => {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
};

/** Bytes of a time with its tag: ten more for a negative one, which travels as 64 bits of two's complement. */
const timeSize = (time: number): number => {
  if (time < 0) return 11;
  let size = 2;
  for (let rest = time; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
};

const writeTime = (time: number, start: number): number => {
  let at = start;
  if (time < 0) {
    let rest = BigInt.asUintN(64, BigInt(time));
    while (rest > 0x7fn) {
      buffer[at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    buffer[at++] = Number(rest);
    return at;
  }
  let rest = time;
  while (rest >= 0x80) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
};
