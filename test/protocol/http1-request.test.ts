import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteText, requestBytes, textOfBytes } from '../../src/protocol/http1-request.ts';

const host = ['Host', 'shop.example.com'] as const;
const textOf = (method: string, headers: readonly (readonly [string, string])[], body?: string): string =>
  requestBytes({
    method,
    path: '/a?b',
    headers: [host, ...headers],
    body: body === undefined ? undefined : Buffer.from(body),
  })?.head.toString('latin1') ?? 'refused';

const start = 'GET /a?b HTTP/1.1\r\nHost: shop.example.com\r\n';

test('http1 request: a GET has its headers in order and asks the server to close', () => {
  assert.equal(textOf('GET', [['X-A', '1']]), `${start}X-A: 1\r\nConnection: close\r\n\r\n`);
});

test('http1 request: Content-Length is that of the body, and 0 for a POST without one', () => {
  assert.match(textOf('POST', [['Content-Length', '99']], 'ok'), /\r\nContent-Length: 2\r\n\r\n$/);
  assert.match(textOf('POST', []), /\r\nContent-Length: 0\r\n\r\n$/);
  assert.doesNotMatch(
    textOf('GET', [
      ['Content-Length', '99'],
      ['Transfer-Encoding', 'chunked'],
    ]),
    /length|chunked/i,
  );
});

test('http1 request: an upgrade keeps its connection, another Connection header goes out beside ours', () => {
  const upgrade = [
    ['Upgrade', 'websocket'],
    ['Connection', 'keep-alive, Upgrade'],
  ] as const;
  assert.equal(textOf('GET', upgrade), `${start}Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n`);
  assert.match(textOf('GET', [['Connection', 'keep-alive']]), /Connection: keep-alive\r\nConnection: close\r\n/);
  assert.equal(textOf('GET', [['Connection', 'Close']]).match(/close/gi)?.length, 1);
});

test('http1 request: Expect holds the body back, and means nothing without one', () => {
  const parts = { method: 'POST', path: '/', headers: [['Expect', '100-Continue']] as const };
  assert.equal(requestBytes({ ...parts, body: Buffer.from('x') })?.awaitsContinue, true);
  assert.equal(requestBytes({ ...parts, body: undefined })?.awaitsContinue, false);
});

test('http1 request: nothing that could end a line or is not a byte goes out', () => {
  for (const value of ['a\r\nX: y', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'ā'])
    for (const headers of [[['X', value]], [[value, 'x']]] as const) assert.equal(textOf('GET', headers), 'refused');
  assert.equal(textOf('GET\r\nX: y', []), 'refused');
});

test('http1 request: any headers give one line each', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}x$/), fc.string({ unit: 'binary' }))), (headers) => {
      const text = textOf(
        'GET',
        headers.map(([name, value]) => [name, byteText(value)] as const),
      );
      if (text === 'refused') return;
      assert.equal(text.split('\r\n').length, headers.length + 5);
      assert.equal(text.indexOf('\r\n\r\n'), text.length - 4);
    }),
  );
});

test('byte text: texts of UTF-8 come back as they were, and bytes that are not UTF-8 stay bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => textOfBytes(byteText(text)) === text.toWellFormed()),
  );
  assert.equal(byteText('é'), '\xc3\xa9');
  assert.equal(textOfBytes('\xe9'), 'é');
});
