import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHpack, hpackDecoder, sizeOf } from '../../src/protocol/hpack.ts';
import { decodeHuffman } from '../../src/protocol/hpack-huffman.ts';
import type { Field } from '../../src/protocol/http1-head.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const isNever = () => false;

const decode = (decoder: ReturnType<typeof hpackDecoder>, block: Uint8Array): readonly Field[] | string => {
  const fields: Field[] = [];
  const problem = decoder.decode(block, (name, value) => fields.push([name, value]) > 0);
  return problem ?? fields;
};

const request: Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const requests: readonly (readonly Field[])[] = [
  request,
  [...request, ['cache-control', 'no-cache']],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ],
];
const response = (status: string, date: string): Field[] => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', date],
  ['location', 'https://www.example.com'],
];
const responses: readonly (readonly Field[])[] = [
  response('302', 'Mon, 21 Oct 2013 20:13:21 GMT'),
  response('307', 'Mon, 21 Oct 2013 20:13:21 GMT'),
  [
    ...response('200', 'Mon, 21 Oct 2013 20:13:22 GMT'),
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
];

/** RFC 7541, appendix C: blocks of one connection each, the size of its table, and what they decode to. */
const examples: readonly [name: string, tableSize: number, blocks: string[], fields: readonly (readonly Field[])[]][] =
  [
    ['C.2.1', 4_096, ['400a637573746f6d2d6b65790d637573746f6d2d686561646572'], [[['custom-key', 'custom-header']]]],
    ['C.2.2', 4_096, ['040c2f73616d706c652f70617468'], [[[':path', '/sample/path']]]],
    ['C.2.3', 4_096, ['100870617373776f726406736563726574'], [[['password', 'secret']]]],
    ['C.2.4', 4_096, ['82'], [[[':method', 'GET']]]],
    [
      'C.3',
      4_096,
      [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
      requests,
    ],
    [
      'C.4',
      4_096,
      [
        '828684418cf1e3c2e5f23a6ba0ab90f4ff',
        '828684be5886a8eb10649cbf',
        '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
      ],
      requests,
    ],
    [
      'C.5',
      256,
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
      ],
      responses,
    ],
    [
      'C.6',
      256,
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
      responses,
    ],
  ];

for (const [name, tableSize, blocks, fields] of examples)
  test(`hpack: the blocks of RFC 7541, ${name}, decode to its fields`, () => {
    const decoder = hpackDecoder(tableSize);
    assert.deepEqual(
      blocks.map((block) => decode(decoder, hex(block))),
      fields,
    );
  });

const refused: readonly [name: string, block: string, problem: RegExp][] = [
  ['the index 0', '80', /index 0/],
  ['an index behind the table', 'be', /index 62/],
  ['the name of an index behind the table', '7e0161', /index 62/],
  ['an integer that is cut', 'ff', /not HPACK/],
  ['an integer that has no end', 'ffffffffffffffffffff7f', /not HPACK/],
  ['a string that is longer than the block', '00017803', /not HPACK/],
  ['a string whose length is cut', '0001787f', /not HPACK/],
  ['a literal without a value', '000178', /not HPACK/],
  ['a table larger than allowed', '3fe23f', /table of 8193 bytes/],
  ['a size that changes behind a field, with entries', '40016101623f00', /midway/],
  ['padding of a byte', '00017882ffff', /not HPACK/],
  ['padding with zeros', '0001788118', /not HPACK/],
  ['the end-of-string symbol', '00017884ffffffff', /not HPACK/],
];
for (const [name, block, problem] of refused)
  test(`hpack: ${name} is refused`, () => {
    assert.match(String(decode(hpackDecoder(), hex(block))), problem);
  });

test('hpack: a table of no size keeps nothing, and what is too large empties it', () => {
  const decoder = hpackDecoder(100);
  assert.deepEqual(decode(decoder, hex('4001610162')), [['a', 'b']]);
  assert.deepEqual(decode(decoder, hex('be')), [['a', 'b']]);
  const large = Buffer.concat([hex('400163 64'), Buffer.alloc(100, 0x65)]);
  assert.deepEqual(decode(decoder, large), [['c', 'e'.repeat(100)]]);
  assert.match(String(decode(decoder, hex('be'))), /index 62/);
  assert.deepEqual(decode(decoder, hex('20 4001610162')), [['a', 'b']]);
  assert.match(String(decode(decoder, hex('be'))), /index 62/);
});

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const names = fc.oneof(bytes, fc.constantFrom(':status', ':path', 'cookie', 'date', 'x'));

test('hpack: what is encoded decodes to itself, and sensitive fields are never indexed', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.oneof(bytes, fc.constantFrom('200', '/', '')))), (fields) => {
      assert.deepEqual(decode(hpackDecoder(), encodeHpack(fields, isNever)), fields);
    }),
    { numRuns: 2_000 },
  );
  const long: Field[] = [['x', 'y'.repeat(100_000)]];
  assert.deepEqual(decode(hpackDecoder(), encodeHpack(long, isNever)), long);
  const never = encodeHpack(
    [
      ['authorization', 'Bearer x'],
      ['x', 'y'],
    ],
    (name) => name === 'authorization',
  );
  assert.equal((never[0] ?? 0) & 0xf0, 0x10);
});

test('hpack: a block that refers to one large entry again and again ends where the taker ends it', () => {
  const decoder = hpackDecoder();
  const entry = encodeHpack([['x', 'y'.repeat(4_000)]], isNever);
  const bomb = Buffer.concat([Buffer.of(0x40), entry.subarray(1), Buffer.alloc(1_000_000, 0xbe)]);
  let size = 0;
  const problem = decoder.decode(bomb, (name, value) => {
    size += sizeOf([name, value]);
    return size < 262_144;
  });
  assert.equal(problem, undefined);
  assert.ok(size < 262_144 + 4_096);
});

test('hpack: no block and no Huffman code makes the decoder throw', () => {
  const blocks = examples.flatMap(([, , list]) => list.map(hex));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...blocks)), { maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      (parts, edits) => {
        const decoder = hpackDecoder();
        for (const part of parts) {
          const block = Buffer.from(part);
          for (const [at, byte] of edits) if (block.length > 0) block[at % block.length] = byte;
          decode(decoder, block);
          decodeHuffman(block);
        }
      },
    ),
    { numRuns: 20_000 },
  );
});

test('hpack: adding and evicting entries costs a time linear in their number', () => {
  const entry = Buffer.concat([Buffer.of(0x40), encodeHpack([['x', 'y']], isNever).subarray(1)]);
  const time = (count: number): number => {
    const block = Buffer.concat(Array.from({ length: count }, () => entry));
    const decoder = hpackDecoder();
    const start = performance.now();
    decoder.decode(block, () => true);
    return performance.now() - start;
  };
  time(10_000);
  const [few, many] = [time(20_000), time(160_000)];
  // Eight times the entries: 64 times the time if it were quadratic.
  assert.ok(many < few * 8 * 4, `${few.toFixed(1)} ms, then ${many.toFixed(1)} ms`);
});
