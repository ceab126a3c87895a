import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hpackDecoder } from '../../src/protocol/hpack.ts';
import type { Field } from '../../src/protocol/http1-head.ts';
import { connectionPreface, frameFlags, frameReader, frameTypes } from '../../src/protocol/http2-frames.ts';
import { http2RequestBytes } from '../../src/protocol/http2-request.ts';

/** What a server reads from the opening: types of frames, flags of the last, and the fields. */
const opened = (method: string, headers: readonly Field[], body?: string) => {
  const bytes = http2RequestBytes(
    {
      method,
      path: '/a?b',
      headers: [['Host', 'shop.test:8443'], ...headers],
      body: body === undefined ? undefined : Buffer.from(body),
    },
    'https',
  );
  if (bytes === undefined) return undefined;
  assert.equal(bytes.opening.toString('latin1', 0, connectionPreface.length), connectionPreface);
  const blocks: Buffer[] = [];
  const types: number[] = [];
  let flags = 0;
  const reader = frameReader({
    onStart: () => true,
    onFrame: (header, payload) => {
      types.push(header.type);
      if (header.type === frameTypes.headers) flags = header.flags;
      if (header.stream === 1) blocks.push(Buffer.from(payload));
      return true;
    },
  });
  reader.push(bytes.opening.subarray(connectionPreface.length));
  const fields: Field[] = [];
  assert.equal(
    hpackDecoder().decode(Buffer.concat(blocks), (name, value) => fields.push([name, value]) > 0),
    undefined,
  );
  return { types, flags, fields, awaitsContinue: bytes.awaitsContinue };
};

const pseudo = (method: string): Field[] => [
  [':authority', 'shop.test:8443'],
  [':method', method],
  [':path', '/a?b'],
  [':scheme', 'https'],
];

test('http2 request: Host is :authority, names are in lower case, headers of the connection are left out', () => {
  const given = opened('GET', [
    ['X-A', 'Müller'],
    ['Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['Upgrade', 'websocket'],
    ['Transfer-Encoding', 'chunked'],
    ['Content-Length', '99'],
    ['x-a', '2'],
  ]);
  assert.deepEqual(given?.fields, [...pseudo('GET'), ['x-a', 'Müller'], ['x-a', '2']]);
  assert.deepEqual(given?.types, [frameTypes.settings, frameTypes.windowUpdate, frameTypes.headers]);
  assert.equal(given?.flags, frameFlags.endHeaders | frameFlags.endStream);
});

test('http2 request: content-length is that of the body, and 0 for a POST without one', () => {
  const given = opened('POST', [['Expect', '100-Continue']], 'ok');
  assert.deepEqual(given?.fields, [...pseudo('POST'), ['expect', '100-Continue'], ['content-length', '2']]);
  assert.deepEqual([given?.flags, given?.awaitsContinue], [frameFlags.endHeaders, true]);
  assert.deepEqual(opened('PUT', [])?.fields.at(-1), ['content-length', '0']);
  assert.equal(opened('GET', [['Expect', '100-continue']])?.awaitsContinue, false);
});

test('http2 request: a long head goes out in CONTINUATIONs', () => {
  const value = 'y'.repeat(40_000);
  const given = opened('GET', [['X', value]]);
  assert.deepEqual(given?.fields.at(-1), ['x', value]);
  assert.deepEqual(given?.types.slice(2), [frameTypes.headers, frameTypes.continuation, frameTypes.continuation]);
  assert.equal(given?.flags, frameFlags.endStream);
});

test('http2 request: what would not arrive as it is written is not sent', () => {
  for (const [name, value] of [
    ['X', 'a\nb'],
    ['X', 'a\0b'],
    ['X', '\u20ac'],
    ['X Y', 'a'],
    [':path', '/'],
    ['', 'a'],
  ] as const)
    assert.equal(opened('GET', [[name, value]]), undefined, JSON.stringify([name, value]));
  assert.equal(opened('G\nET', []), undefined);
});
