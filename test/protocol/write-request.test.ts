import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as oracle from 'prometheus-remote-write';
import { gauge } from '../../src/kernel/metric.ts';
import { allLabels, type LabelPairs, type Sample } from '../../src/kernel/sample.ts';
import { writeRequest } from '../../src/protocol/write-request.ts';
import { decodeWriteRequest } from '../../src/protocol/write-request-decoder.ts';

const metric = gauge('probe_test', 'A test.');
const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/);
const labels = fc
  .dictionary(name, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }), { maxKeys: 12 })
  .map((table) => Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
const sample = (value: fc.Arbitrary<number | 'stale'>): fc.Arbitrary<Sample> =>
  fc.record({ series: labels.map((pairs) => ({ metric, labels: pairs })), at: fc.maxSafeInteger(), value });
const ordinary = sample(fc.double({ noNaN: true }));
const any = sample(fc.oneof(fc.double({ noNaN: true }), fc.constant('stale' as const)));

/** The request as an encoder that is not ours writes it. */
const oracleBytes = async (samples: readonly Sample[]): Promise<Uint8Array> => {
  const timeseries = samples.map(({ series, at, value }) => ({
    labels: allLabels(series).map(([key, text]) => ({ name: key, value: text })),
    samples: [{ value: Number(value), timestamp: at }],
  }));
  // safe: its type knows one series only, its code takes a whole request
  return new Uint8Array(await oracle.serialize({ timeseries } as unknown as Parameters<typeof oracle.serialize>[0]));
};

test('write-request: ordinary samples have the same bytes as those of prometheus-remote-write', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ordinary, { maxLength: 30 }), async (samples) => {
      assert.deepEqual(Buffer.from(writeRequest(samples)), Buffer.from(await oracleBytes(samples)));
    }),
  );
});

test('write-request: what is written can be read back, stale markers and all', () => {
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), (samples) => {
      const decoded = decodeWriteRequest(writeRequest(samples));
      assert.ok(decoded.ok);
      assert.deepEqual(
        decoded.series,
        samples.map(({ series, at, value }) => ({ labels: allLabels(series), samples: [{ at, value }] })),
      );
    }),
  );
});

test('write-request: a stale marker has exactly the bytes 02 00 00 00 00 00 f0 7f, and a NaN has others', () => {
  const series = { metric, labels: [] };
  const hex = (value: number | 'stale') => Buffer.from(writeRequest([{ series, at: 1, value }])).toString('hex');
  assert.match(hex('stale'), /09020000000000f07f1001$/);
  assert.match(hex(Number.NaN), /09000000000000f87f1001$/);
});

test('write-request: infinities and minus zero survive', () => {
  const series = { metric, labels: [] };
  const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
  const decoded = decodeWriteRequest(writeRequest(values.map((value) => ({ series, at: 0, value }))));
  assert.ok(decoded.ok);
  assert.ok(values.every((value, index) => Object.is(decoded.series[index]?.samples[0]?.value, value)));
});

test('write-request: requests larger than the buffer that is kept are whole, and so is the next one', () => {
  const series = {
    metric,
    labels: [['text', 'x'.repeat(100_000)]] as const,
  };
  const many = Array.from({ length: 60 }, (_, at) => ({ series, at, value: at }));
  for (const samples of [many, many.slice(0, 1)]) {
    const decoded = decodeWriteRequest(writeRequest(samples));
    assert.ok(decoded.ok);
    assert.equal(decoded.series.length, samples.length);
  }
});

test('write-request: no bytes make decoding throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeWriteRequest(bytes).ok === 'boolean'),
  );
});

test('write-request: a request damaged in one place is decoded or refused, never thrown at', () => {
  fc.assert(
    fc.property(
      fc.array(any, { minLength: 1, maxLength: 5 }),
      fc.nat(),
      fc.nat({ max: 255 }),
      (samples, place, byte) => {
        const bytes = writeRequest(samples);
        bytes[place % bytes.length] = byte;
        return typeof decodeWriteRequest(bytes).ok === 'boolean';
      },
    ),
  );
});

test('write-request: a length beyond the end is refused before it takes memory', () => {
  const decoded = decodeWriteRequest(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f));
  assert.ok(!decoded.ok);
});

test('write-request: more fields than a request can need are refused', () => {
  const series = Uint8Array.of(0x0a, 0x00);
  const of = (count: number) => Buffer.alloc(series.length * count, series);
  assert.equal(decodeWriteRequest(of(1_000_000)).ok, true);
  const refused = decodeWriteRequest(of(1_000_001));
  assert.ok(!refused.ok);
  assert.match(refused.why, /more than 1000000 fields/);
});

test('write-request: labels that series share give the same bytes as labels of their own', () => {
  const other = gauge('probe_other', 'Another.');
  for (const first of ['instance', 'Instance']) {
    const own = () =>
      [
        [first, 'a'],
        ['job', 'b'],
      ] as const;
    const samples = (labels: LabelPairs): Sample[] =>
      [metric, other].map((one) => ({ series: { metric: one, labels }, at: 1, value: 1 }));
    const shared = writeRequest(samples(own()));
    const [one, two] = [samples(own()), samples(own())].map((each, index) =>
      writeRequest(each.slice(index, index + 1)),
    );
    assert.deepEqual(Buffer.from(shared), Buffer.concat([one ?? [], two ?? []].map((bytes) => Buffer.from(bytes))));
  }
});
