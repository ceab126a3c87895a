import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Field, ResponseHead } from '../../src/protocol/http1-head.ts';
import { type ResponseProblem, responseReader } from '../../src/protocol/http1-reader.ts';

/** All that a reader gave for the bytes of a connection. */
type Given = {
  interim: ResponseHead[];
  head?: ResponseHead;
  body: string;
  trailers?: readonly Field[];
  problem?: ResponseProblem;
};

type How = { readonly method?: string; readonly cuts?: readonly number[]; readonly closes?: boolean };

const read = (bytes: string | Buffer, { method = 'GET', cuts = [], closes = true }: How = {}): Given => {
  const input = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  const given: Given = { interim: [], body: '' };
  let ends = 0;
  const reader = responseReader(method, {
    onInterim: (head) => given.interim.push(head),
    onHead: (head) => {
      assert.equal(given.head, undefined, 'one final head');
      given.head = head;
      return true;
    },
    onBody: (chunk) => {
      assert.ok(chunk.length > 0, 'no empty piece of a body');
      given.body += Buffer.from(chunk).toString('latin1');
      return true;
    },
    onEnd: (trailers) => {
      ends += 1;
      given.trailers = trailers;
    },
    onProblem: (problem) => {
      ends += 1;
      given.problem = problem;
    },
  });
  const points = [...new Set(cuts.map((cut) => cut % (input.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const point of [...points, input.length]) {
    // A copy, so that a reader that keeps a view of what it was given shows it.
    const piece = Buffer.from(input.subarray(at, point));
    if (piece.length > 0) reader.push(piece);
    at = point;
  }
  if (closes) reader.close();
  assert.ok(ends <= 1, 'one end at most');
  if (closes) assert.equal(ends, 1, 'an end after the connection was closed');
  return given;
};

const ok = 'HTTP/1.1 200 OK\r\n';

const taken: readonly [name: string, response: string, body: string][] = [
  ['a body of a known length', `${ok}Content-Length: 2\r\n\r\nok`, 'ok'],
  ['bytes behind a known length are ignored', `${ok}Content-Length: 2\r\n\r\nokHTTP/1.1 500`, 'ok'],
  ['a body that ends with the connection', `${ok}\r\nok`, 'ok'],
  ['no body at all until the connection ends', `${ok}\r\n`, ''],
  ['lines that end with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'ok'],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok'],
  ['a blank before the colon', `${ok}Content-Length : 2\r\n\r\nok`, 'ok'],
  ['a folded line', `${ok}X: a\r\n\tb\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['blanks behind Content-Length', `${ok}Content-Length: 2 \t \r\n\r\nok`, 'ok'],
  ['two equal Content-Lengths', `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, 'ok'],
  ['chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n`, 'ok'],
  [
    'chunks in capitals, with extensions',
    `${ok}Transfer-Encoding: CHUNKED\r\n\r\n00A ;x="y"\r\n0123456789\r\n0\r\n\r\n`,
    '0123456789',
  ],
  ['a blank behind the size of a chunk', `${ok}Transfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n`, 'ok'],
  [
    'chunks win over Content-Length',
    `${ok}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    'ok',
  ],
  ['trailers', `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n`, 'ok'],
  ['HTTP/1.0 knows no chunks', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok', '2\r\nok'],
  ['an empty Content-Length is none', `${ok}Content-Length:\r\n\r\nok`, 'ok'],
  [
    'interim responses before the final one',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`,
    'ok',
  ],
];

for (const [name, response, body] of taken)
  test(`http1 reader: ${name}: the response is taken`, () => {
    const given = read(response);
    assert.equal(given.problem, undefined);
    assert.equal(given.body, body);
    assert.equal(given.head?.status, 200);
  });

const refused: readonly [name: string, response: string, kind: ResponseProblem['kind'], detail: RegExp][] = [
  ['nothing at all', '', 'incomplete', /before its headers were complete/],
  ['a head that is cut', `${ok}X: y\r\n`, 'incomplete', /headers/],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'malformed', /SSH-2.0-OpenSS/],
  ['RTSP', 'RTSP/1.0 200 OK\r\n\r\n', 'malformed', /RTSP/],
  ['an empty first line', `\r\n${ok}\r\n`, 'malformed', /status line/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'malformed', /status line/],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'malformed', /status line/],
  ['a signed status', 'HTTP/1.1 +20 OK\r\n\r\n', 'malformed', /status line/],
  ['a line without a colon', `${ok}nonsense\r\n\r\n`, 'malformed', /without a colon: "nonsense"/],
  ['a folded first line', `${ok} X: y\r\n\r\n`, 'malformed', /folded line/],
  ['a NUL in a value', `${ok}X: a\0b\r\n\r\n`, 'malformed', /control character.*\\x00/],
  ['a bare CR in a value', `${ok}X: a\rb\r\n\r\n`, 'malformed', /control character/],
  ['a name with a bracket', `${ok}X(y): z\r\n\r\n`, 'malformed', /not a token/],
  ['two lengths', `${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nok`, 'malformed', /two different/],
  ['a list of lengths', `${ok}Content-Length: 2, 2\r\n\r\nok`, 'malformed', /not a number/],
  ['a signed length', `${ok}Content-Length: +2\r\n\r\nok`, 'malformed', /not a number/],
  ['a length beyond all counting', `${ok}Content-Length: 99999999999999999999\r\n\r\nok`, 'malformed', /not a number/],
  ['another coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'malformed', /other than chunked/],
  [
    'two codings',
    `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'malformed',
    /other than chunked/,
  ],
  ['a body that is too short', `${ok}Content-Length: 3\r\n\r\nok`, 'incomplete', /1 bytes before its Content-Length/],
  ['chunks without the last', `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`, 'incomplete', /last chunk/],
  ['trailers that are cut', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n`, 'incomplete', /trailers/],
  [
    'a chunk that is too long',
    `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n`,
    'malformed',
    /behind a chunk/,
  ],
  ['a negative chunk', `${ok}Transfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n`, 'malformed', /hexadecimal/],
  [
    'a chunk of 17 digits',
    `${ok}Transfer-Encoding: chunked\r\n\r\n00000000000000002\r\nok\r\n0\r\n\r\n`,
    'malformed',
    /hexadecimal/,
  ],
  [
    'a chunk that overflows',
    `${ok}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nok`,
    'malformed',
    /hexadecimal/,
  ],
  ['LF alone between chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n`, 'malformed', /CRLF/],
  [
    'an endless chunk extension',
    `${ok}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(5_000)}`,
    'malformed',
    /4096 bytes/,
  ],
  [
    'empty extensions without data',
    `${ok}Transfer-Encoding: chunked\r\n\r\n${`1;${'x'.repeat(4_000)}\r\na\r\n`.repeat(9)}`,
    'malformed',
    /more framing/,
  ],
  ['interim responses without end', 'HTTP/1.1 103 Early\r\n\r\n'.repeat(300), 'malformed', /256 interim/],
  ['a header without a name', `${ok}: x\r\n\r\n`, 'malformed', /not a token/],
  ['headers without end', `${ok}${'X: y\r\n'.repeat(60_000)}`, 'head_too_large', /262144 bytes/],
  ['a status line without end', 'HTTP/1.1 200 '.padEnd(300_000, 'x'), 'head_too_large', /262144/],
  [
    'interim headers without end',
    `HTTP/1.1 103 Early\r\n${`X: ${'y'.repeat(9_000)}\r\n`}\r\n`.repeat(32),
    'head_too_large',
    /262144/,
  ],
];

for (const [name, response, kind, detail] of refused)
  test(`http1 reader: ${name}: the response is refused`, () => {
    const { problem } = read(response);
    assert.equal(problem?.kind, kind);
    assert.match(problem?.detail ?? '', detail);
  });

test('http1 reader: another protocol is refused at its first bytes, while the connection is open', () => {
  assert.equal(read('SSH-2.0-OpenSSH', { closes: false }).problem?.kind, 'malformed');
  assert.equal(read('HTTP/1.1 200 O', { closes: false }).problem, undefined);
});

test('http1 reader: HEAD, 204 and 304 have no body, whatever their headers announce', () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    const given = read(`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\nHTTP/`, { method, closes: false });
    assert.deepEqual([given.head?.status, given.body, given.trailers], [status, '', []]);
  }
});

test('http1 reader: 101 is a final response without a body', () => {
  const given = read('HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x00', { closes: false });
  assert.deepEqual([given.head?.status, given.interim.length, given.body, given.trailers], [101, 0, '', []]);
});

test('http1 reader: names, values and trailers keep their bytes and their order', () => {
  const given = read(Buffer.from(`HTTP/1.0 200 gut\r\nX-A: Müller\r\nx-a:  2 \r\n\r\n`, 'utf8'));
  assert.equal(given.head?.version, 'HTTP/1.0');
  assert.deepEqual(given.head?.fields, [
    ['X-A', Buffer.from('Müller').toString('latin1')],
    ['x-a', '2'],
  ]);
  const chunked = read(`${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\nB: 2\r\n\r\n`);
  assert.deepEqual(chunked.trailers, [
    ['A', '1'],
    ['B', '2'],
  ]);
});

test('http1 reader: a taker that wants no more is not called again', () => {
  let calls = 0;
  const reader = responseReader('GET', {
    onInterim: () => {},
    onHead: () => true,
    onBody: () => {
      calls += 1;
      return false;
    },
    onEnd: () => assert.fail('no end'),
    onProblem: () => assert.fail('no problem'),
  });
  reader.push(Buffer.from(`${ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n`));
  reader.push(Buffer.from('0\r\n\r\n'));
  reader.close();
  assert.deepEqual([calls, reader.isOver()], [1, true]);
});

const samples = [...taken, ...refused].map(([, response]) => response).filter((response) => response.length < 2_000);

test('http1 reader: it does not matter where the bytes of a response are cut', () => {
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.array(fc.nat()), (response, cuts) => {
      const whole = read(response);
      const parts = read(response, { cuts });
      assert.deepEqual({ ...parts, problem: parts.problem?.kind }, { ...whole, problem: whole.problem?.kind });
    }),
    { numRuns: 2_000 },
  );
});

test('http1 reader: no mutation throws, and what is cut by length or chunks is never complete', () => {
  const inputs = fc.tuple(
    fc.constantFrom(...samples),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    fc.array(fc.nat(), { maxLength: 4 }),
  );
  fc.assert(
    fc.property(inputs, ([response, edits, cuts]) => {
      const bytes = Buffer.from(response, 'latin1');
      for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      read(bytes, { cuts });
    }),
    { numRuns: 20_000 },
  );
  const framed = taken.slice(0, 2).concat(taken.filter(([, response]) => response.includes('chunked\r\n\r\n1')));
  for (const [, response] of framed) {
    const end = response.indexOf('okHTTP') === -1 ? response.length : response.indexOf('okHTTP') + 2;
    for (let length = 0; length < end; length += 1)
      assert.equal(read(response.slice(0, length)).problem?.kind, 'incomplete');
  }
});

test('http1 reader: a head that trickles in costs a time linear in its length', () => {
  const line = 'X-Header: some value\r\n';
  const trickle = (count: number): number => {
    const bytes = Buffer.from(ok + line.repeat(count), 'latin1');
    const start = performance.now();
    const reader = responseReader('GET', silent, Number.POSITIVE_INFINITY);
    for (let at = 0; at < bytes.length; at += 1) reader.push(bytes.subarray(at, at + 1));
    return performance.now() - start;
  };
  trickle(2_000);
  const [few, many] = [trickle(4_000), trickle(32_000)];
  // Eight times the bytes: 64 times the time if it were quadratic.
  assert.ok(many < few * 8 * 4, `${few.toFixed(1)} ms, then ${many.toFixed(1)} ms`);
});

const silent = { onInterim: () => {}, onHead: () => true, onBody: () => true, onEnd: () => {}, onProblem: () => {} };
