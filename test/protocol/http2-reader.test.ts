import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeHpack } from '../../src/protocol/hpack.ts';
import type { Field, ResponseHead } from '../../src/protocol/http1-head.ts';
import type { ResponseProblem } from '../../src/protocol/http1-reader.ts';
import {
  type FrameHeader,
  frameBytes,
  frameFlags,
  frameReader,
  frameTypes,
  longestFrame,
  settingsFrame,
  windowUpdate,
} from '../../src/protocol/http2-frames.ts';
import { type Http2Reader, http2Reader } from '../../src/protocol/http2-reader.ts';
import { receiveWindow } from '../../src/protocol/http2-request.ts';
import { http2Answers } from '../judges/http2-answers.ts';

/** All that a reader gave for the bytes of a connection. */
type Given = {
  interim: ResponseHead[];
  firstBytes: number;
  head?: ResponseHead;
  body: string;
  trailers?: readonly Field[];
  problem?: ResponseProblem;
  output: Buffer;
};

type How = {
  readonly method?: string;
  readonly body?: Uint8Array;
  readonly cuts?: readonly number[];
  readonly closes?: boolean;
};

const { endHeaders, endStream, acknowledged } = frameFlags;
const settings = settingsFrame([]);
const block = (fields: readonly Field[]) => encodeHpack(fields, () => false);
const headers = (fields: readonly Field[], flags = 0, stream = 1) =>
  frameBytes(frameTypes.headers, endHeaders | flags, stream, block(fields));
const data = (body: string | Uint8Array, flags = 0) => frameBytes(frameTypes.data, flags, 1, Buffer.from(body));
const ping = frameBytes(frameTypes.ping, 0, 0, Buffer.from('12345678'));
const status: Field = [':status', '200'];
const answer = [headers([status]), data('ok', endStream)];

const read = (parts: readonly Uint8Array[], { method = 'GET', body, cuts = [], closes = true }: How = {}): Given => {
  const input = Buffer.concat(parts);
  const given: Given = { interim: [], firstBytes: 0, body: '', output: Buffer.alloc(0) };
  let ends = 0;
  const reader = http2Reader(
    { method, body },
    {
      onFirstByte: () => {
        given.firstBytes += 1;
      },
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
    },
  );
  const outputs: Buffer[] = [];
  const take = () => outputs.push(reader.output() ?? Buffer.alloc(0));
  reader.sendBody();
  take();
  const points = [...new Set(cuts.map((cut) => cut % (input.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const point of [...points, input.length]) {
    // A copy that is spoilt afterwards, so that a reader that keeps a view of what it was given shows it.
    const piece = Buffer.from(input.subarray(at, point));
    reader.push(piece);
    piece.fill(0xee);
    take();
    at = point;
  }
  if (closes) reader.close();
  assert.ok(ends <= 1, 'one end at most');
  if (closes) assert.equal(ends, 1, 'an end after the connection was closed');
  given.output = Buffer.concat(outputs);
  return given;
};

/** The frames in bytes that a client sent. */
const framesOf = (bytes: Buffer): (FrameHeader & { readonly payload: Buffer })[] => {
  const frames: (FrameHeader & { readonly payload: Buffer })[] = [];
  const reader = frameReader({
    onStart: () => true,
    onFrame: (header, payload) => frames.push({ ...header, payload: Buffer.from(payload) }) > 0,
  });
  reader.push(bytes);
  return frames;
};

test('http2 reader: a response has its head, body and trailers, with bytes as they are', () => {
  const trailers = headers([['x-sum', 'ü']], endStream);
  const given = read([settings, headers([status, ['x', 'Müller'], ['x', '']]), data('o'), data('k'), trailers]);
  assert.deepEqual(given.head, {
    version: 'HTTP/2.0',
    status: 200,
    fields: [
      ['x', 'Müller'],
      ['x', ''],
    ],
  });
  assert.deepEqual([given.body, given.trailers, given.problem], ['ok', [['x-sum', 'ü']], undefined]);
});

test('http2 reader: settings and PINGs are acknowledged, acknowledgements are not', () => {
  const pong = frameBytes(frameTypes.ping, acknowledged, 0, Buffer.from('12345678'));
  const { output } = read([settings, ping, pong, headers([status])], { closes: false });
  assert.deepEqual(
    framesOf(output).map(({ type, flags, payload }) => [type, flags, payload.toString()]),
    [
      [frameTypes.settings, acknowledged, ''],
      [frameTypes.ping, acknowledged, '12345678'],
    ],
  );
});

test('http2 reader: the first byte is that of the first HEADERS frame, before its payload and once', () => {
  const early = headers([[':status', '103']]);
  assert.equal(read([settings, ping], { closes: false }).firstBytes, 0);
  assert.equal(read([settings, early.subarray(0, 8)], { closes: false }).firstBytes, 0);
  assert.equal(read([settings, early.subarray(0, 9)], { closes: false }).firstBytes, 1);
  assert.equal(read([settings, headers([status], 0, 3)], { closes: false }).firstBytes, 0);
  const given = read([settings, early, ...answer]);
  assert.deepEqual([given.firstBytes, given.interim.map(({ status }) => status)], [1, [103]]);
});

test('http2 reader: the window is given back as data is taken, padding too, and more than the window is refused', () => {
  const frame = data(Buffer.alloc(longestFrame));
  const half = Array.from({ length: receiveWindow / longestFrame / 2 }, () => frame);
  const { output } = read([settings, headers([status]), ...half], { closes: false });
  const updates = framesOf(output).filter(({ type }) => type === frameTypes.windowUpdate);
  assert.deepEqual(
    updates.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
    [
      [0, receiveWindow / 2],
      [1, receiveWindow / 2],
    ],
  );
  const long = Array.from({ length: 10 }, () => half).flat();
  assert.equal(read([settings, headers([status]), ...long, data('', endStream)]).body.length, 5 * receiveWindow);
  const padded = frameBytes(
    frameTypes.data,
    frameFlags.padded,
    1,
    Buffer.concat([Buffer.of(255), Buffer.alloc(16_000)]),
  );
  const paddings = Array.from({ length: 17 }, () => padded);
  const sums = framesOf(read([settings, headers([status]), ...paddings], { closes: false }).output)
    .filter(({ type, stream }) => type === frameTypes.windowUpdate && stream === 0)
    .map(({ payload }) => payload.readUInt32BE(0));
  assert.deepEqual(sums, [17 * 16_001]);
});

test('http2 reader: the body of a request goes out as the windows and frames of the server allow', () => {
  const body = Buffer.alloc(100_000, 'b');
  const sent = (parts: readonly Uint8Array[]) =>
    framesOf(read(parts, { body, closes: false }).output).filter(({ type }) => type === frameTypes.data);
  const sizes = (parts: readonly Uint8Array[]) => sent(parts).map(({ payload, flags }) => [payload.length, flags]);
  const first = [16_384, 16_384, 16_384, 16_383].map((size) => [size, 0]);
  assert.deepEqual(sizes([]), first, 'before any SETTINGS');
  assert.deepEqual(sizes([settings, windowUpdate(0, 10)]), first, 'the stream has no window');
  assert.deepEqual(sizes([settings, windowUpdate(0, 10), windowUpdate(1, 5)]), [...first, [5, 0]]);
  const wide = settingsFrame([[4, 1_000_000]]);
  assert.deepEqual(sizes([wide, windowUpdate(0, 1_000_000)]), [...first, [16_384, 0], [16_384, 0], [1_697, endStream]]);
  const narrow = settingsFrame([[4, 0]]);
  assert.deepEqual(sizes([narrow, windowUpdate(0, 100_000), windowUpdate(1, 65_535)]), first, 'the window is negative');
  assert.deepEqual(sizes([narrow, windowUpdate(0, 100_000), windowUpdate(1, 65_536)]), [...first, [1, 0]]);
  const empty = framesOf(read([], { body: Buffer.alloc(0), closes: false }).output);
  assert.deepEqual(
    empty.map(({ length, flags }) => [length, flags]),
    [[0, endStream]],
  );
});

test('http2 reader: a taker that wants no more is not called again', () => {
  let calls = 0;
  const reader: Http2Reader = http2Reader(
    { method: 'GET', body: undefined },
    {
      onFirstByte: () => {},
      onInterim: () => {},
      onHead: () => true,
      onBody: () => {
        calls += 1;
        return false;
      },
      onEnd: () => assert.fail('no end'),
      onProblem: () => assert.fail('no problem'),
    },
  );
  reader.push(Buffer.concat([settings, headers([status]), data('a'), data('b')]));
  reader.push(data('', endStream));
  reader.close();
  assert.deepEqual([calls, reader.isOver(), reader.output()], [1, true, undefined]);
});

const repeated = (frame: Uint8Array, count = 20_000) => Array.from({ length: count }, () => frame);
const empty = Buffer.alloc(0);
const frame = (type: number, payload: Uint8Array = empty, stream = 0, flags = 0) =>
  frameBytes(type, flags, stream, payload);
const four = Buffer.alloc(4, 1);

const refused: readonly [name: string, parts: readonly Uint8Array[], kind: ResponseProblem['kind'], detail: RegExp][] =
  [
    ['nothing', [], 'incomplete', /before its headers/],
    ['another protocol', [Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')], 'malformed', /SETTINGS but with "SSH-2.0-O"/],
    ['HTTP/1.1', [Buffer.from('HTTP/1.1 400 Bad\r\n\r\n')], 'malformed', /is HTTP\/1, although/],
    ['a header with a NUL', [settings, headers([status, ['x-bad', '\0']])], 'malformed', /control character.*"x-bad"/],
    ['an upper-case name', [settings, headers([status, ['X-Bad', '']])], 'malformed', /"X-Bad"/],
    ['HEADERS of the stream 0', [settings, headers([status], 0, 0)], 'malformed', /stream 0/],
    ['a CONTINUATION alone', [settings, frame(9, empty, 1)], 'malformed', /CONTINUATION without/],
    [
      'a CONTINUATION of another stream',
      [settings, frame(1, empty, 1), frame(9, empty, 3)],
      'malformed',
      /another frame/,
    ],
    ['a short PING', [settings, frame(6, four)], 'malformed', /PING/],
    ['a PING of a stream', [settings, frame(6, Buffer.alloc(8), 1)], 'malformed', /PING/],
    ['a short WINDOW_UPDATE', [settings, frame(8, Buffer.alloc(3))], 'malformed', /WINDOW_UPDATE/],
    ['a short GOAWAY', [settings, frame(7, four)], 'malformed', /GOAWAY/],
    ['a short RST_STREAM', [settings, frame(3, Buffer.alloc(3), 1)], 'malformed', /RST_STREAM/],
    ['an RST_STREAM of the stream 0', [settings, frame(3, four)], 'malformed', /RST_STREAM/],
    ['a short PRIORITY', [settings, frame(2, four, 1)], 'malformed', /PRIORITY/],
    ['an acknowledgement with a payload', [settings, frame(4, four, 0, acknowledged)], 'malformed', /acknowledges/],
    [
      'a window that overflows by SETTINGS',
      [settings, windowUpdate(1, 2 ** 31 - 65_536), settingsFrame([[4, 65_536]])],
      'malformed',
      /out of its range/,
    ],
    ['a window that overflows', [settings, windowUpdate(1, 2 ** 31 - 65_535)], 'malformed', /2147483647/],
    [
      'GOAWAY, then the end',
      [settings, frame(7, Buffer.from('\0\0\0\x01\0\0\0\x0btoo many', 'latin1'))],
      'incomplete',
      /ENHANCE_YOUR_CALM "too many"/,
    ],
    ['a head and the end', [settings, headers([status])], 'incomplete', /end of its body/],
    ['a flood of PINGs', [settings, ...repeated(ping)], 'malformed', /more frames/],
    ['a flood of SETTINGS', repeated(settings), 'malformed', /more frames/],
    ['a flood of WINDOW_UPDATEs', [settings, ...repeated(windowUpdate(1, 1))], 'malformed', /more frames/],
    ['a flood of resets', [settings, ...repeated(frame(3, four, 3))], 'malformed', /more frames/],
    ['a flood of unknown frames', [settings, ...repeated(frame(99))], 'malformed', /more frames/],
    ['a flood of GOAWAYs', [settings, ...repeated(frame(7, Buffer.alloc(8, 1)))], 'malformed', /more frames/],
    ['a flood of PRIORITYs', [settings, ...repeated(frame(2, Buffer.alloc(5), 1))], 'malformed', /more frames/],
    ['a flood of empty DATA', [settings, headers([status]), ...repeated(data(''))], 'malformed', /more frames/],
    [
      'a flood of padding',
      [settings, headers([status]), ...repeated(frame(0, Buffer.concat([Buffer.of(254), Buffer.alloc(255)]), 1, 8))],
      'malformed',
      /more frames/,
    ],
    [
      'a flood of CONTINUATIONs',
      [settings, frame(1, empty, 1), ...repeated(frame(9, empty, 1))],
      'malformed',
      /more frames/,
    ],
    ['a flood of HEADERS of others', [settings, ...repeated(headers([status], 0, 3))], 'head_too_large', /262144/],
    [
      'interim responses without end',
      [settings, ...repeated(headers([[':status', '103']]))],
      'malformed',
      /256 interim/,
    ],
    [
      'CONTINUATIONs without end',
      [settings, frame(1, empty, 1), ...repeated(frame(9, Buffer.alloc(9_000, 0x88), 1), 40)],
      'head_too_large',
      /262144/,
    ],
    [
      'a block that decodes to much more',
      [
        settings,
        frame(
          1,
          Buffer.concat([Buffer.of(0x40), block([['x', 'y'.repeat(3_900)]]).subarray(1), Buffer.alloc(10_000, 0xbe)]),
          1,
          endHeaders,
        ),
      ],
      'head_too_large',
      /262144/,
    ],
  ];

for (const [name, parts, kind, detail] of refused)
  test(`http2 reader: ${name}: the response is refused`, () => {
    const { problem } = read(parts);
    assert.equal(problem?.kind, kind);
    assert.match(problem?.detail ?? '', detail);
  });

test('http2 reader: PINGs beside data are acknowledged for as long as there is data', () => {
  const parts = Array.from({ length: 10_000 }, () => [data('0123456789'), ping]).flat();
  const given = read([settings, headers([status]), ...parts, data('', endStream)]);
  assert.equal(given.problem, undefined);
  assert.equal(given.body.length, 100_000);
});

const transcripts = http2Answers.map((row) => Buffer.concat([row.opening ?? settings, ...row.frames(1)]));
const small = transcripts.filter(({ length }) => length < 2_000);

test('http2 reader: a pause takes effect behind the frame at hand, and what comes meanwhile is kept', () => {
  const bodies: string[] = [];
  let ends = 0;
  const reader = http2Reader(
    { method: 'GET', body: undefined },
    {
      ...silent,
      onBody: (chunk) => {
        bodies.push(Buffer.from(chunk).toString());
        reader.pause();
        return true;
      },
      onEnd: () => {
        ends += 1;
      },
    },
  );
  reader.push(Buffer.concat([settings, headers([status]), data('a'), data('b'), data('c').subarray(0, 5)]));
  assert.deepEqual(bodies, ['a']);
  reader.push(Buffer.concat([data('c').subarray(5), data('', endStream)]));
  assert.deepEqual(bodies, ['a']);
  reader.resume();
  assert.deepEqual(bodies, ['a', 'b']);
  reader.resume();
  assert.deepEqual([bodies, ends], [['a', 'b', 'c'], 0]);
  reader.resume();
  assert.deepEqual([bodies, ends], [['a', 'b', 'c'], 1]);
});

test('http2 reader: it does not matter where the bytes of a response are cut', () => {
  // What is still to be sent when the response ends depends on it.
  const given = (bytes: Buffer, how: How) => ({ ...read([bytes], how), output: undefined });
  fc.assert(
    fc.property(
      fc.constantFrom(...small),
      fc.array(fc.nat()),
      fc.constantFrom('GET', 'HEAD'),
      (bytes, cuts, method) => {
        assert.deepEqual(given(bytes, { cuts, method }), given(bytes, { method }));
      },
    ),
    { numRuns: 2_000 },
  );
  for (const bytes of small) assert.deepEqual(given(bytes, { cuts: Array.from(bytes.keys()) }), given(bytes, {}));
});

test('http2 reader: no mutation throws, and a response that is cut is never complete', () => {
  const inputs = fc.tuple(
    fc.array(fc.constantFrom(...small), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    fc.array(fc.nat(), { maxLength: 4 }),
  );
  fc.assert(
    fc.property(inputs, ([parts, edits, cuts]) => {
      const bytes = Buffer.concat(parts);
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      read([bytes], { cuts, body: Buffer.from('body') });
    }),
    { numRuns: 20_000 },
  );
  const whole = Buffer.concat([settings, ...answer]);
  for (let length = 0; length < whole.length; length += 1)
    assert.equal(read([whole.subarray(0, length)]).problem?.kind, 'incomplete');
});

test('http2 reader: frames that trickle in cost a time linear in their length', () => {
  const trickle = (count: number): number => {
    const bytes = Buffer.concat([settings, headers([status]), ...repeated(data('x'.repeat(990)), count)]);
    const reader = http2Reader({ method: 'GET', body: undefined }, silent);
    const start = performance.now();
    for (let at = 0; at < bytes.length; at += 1) reader.push(bytes.subarray(at, at + 1));
    return performance.now() - start;
  };
  trickle(50);
  const [few, many] = [trickle(100), trickle(800)];
  // Eight times the bytes: 64 times the time if it were quadratic.
  assert.ok(many < few * 8 * 4, `${few.toFixed(1)} ms, then ${many.toFixed(1)} ms`);
});

const silent = {
  onFirstByte: () => {},
  onInterim: () => {},
  onHead: () => true,
  onBody: () => true,
  onEnd: () => {},
  onProblem: () => {},
};
