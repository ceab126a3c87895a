import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { decodeMessage, encodeName, encodeQuery } from '../../src/protocol/dns-message.ts';
import { types } from '../../src/protocol/dns-names.ts';
import { recordText } from '../../src/protocol/dns-record-text.ts';
import { type Answer, dnsServer, encodeReply } from '../servers/dns.ts';
import { needs } from '../servers/peers.ts';

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const name = fc.array(label, { maxLength: 6 }).map((labels) => `${labels.join('.')}.`);
const word = fc.nat({ max: 65_535 });

test('dns-message: a query can be read back', () => {
  fc.assert(
    fc.property(word, name, word, word, fc.boolean(), (id, asked, type, klass, recursion) => {
      const bytes = encodeQuery(id, { name: asked, type, class: klass }, recursion);
      assert.ok(bytes !== undefined);
      const decoded = decodeMessage(bytes);
      assert.ok(decoded.ok);
      assert.equal(decoded.message.id, id);
      assert.equal(decoded.message.isResponse, false);
      assert.deepEqual(decoded.message.questions, [{ name: asked, type, class: klass }]);
    }),
  );
});

test('dns-message: names with any bytes survive in zone-file form', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }), (labels) => {
      const wire = Buffer.concat([...labels.map((bytes) => Buffer.from([bytes.length, ...bytes])), Buffer.from([0])]);
      const question = Buffer.concat([
        Buffer.from('000000000001000000000000', 'hex'),
        wire,
        Buffer.from('00010001', 'hex'),
      ]);
      const decoded = decodeMessage(question);
      assert.ok(decoded.ok);
      assert.deepEqual(Buffer.from(encodeName(decoded.message.questions[0]?.name ?? '') ?? []), wire);
    }),
  );
});

test('dns-message: names that cannot be encoded are refused', () => {
  for (const bad of ['a..b', `${'a'.repeat(64)}.test`, `${'abcdefg.'.repeat(32)}x`, '.a', '\\999'])
    assert.equal(encodeName(bad), undefined, bad);
  assert.deepEqual([...(encodeName('.') ?? [])], [0]);
});

const header = (counts: string) => Buffer.from(`00008180${counts}`, 'hex');

test('dns-message: pointers to themselves, ahead and in circles are refused', () => {
  const question = '00010001';
  for (const pointer of ['c00c', 'c00e', 'c0ff', '0161c00c']) {
    const decoded = decodeMessage(
      Buffer.concat([header('0001000000000000'), Buffer.from(`${pointer}${question}`, 'hex')]),
    );
    assert.equal(decoded.ok, false, pointer);
  }
});

test('dns-message: giant counts over few bytes are refused at once', () => {
  assert.deepEqual(decodeMessage(header('ffffffffffffffff')), { ok: false, why: 'a name is cut short' });
});

test('dns-message: a message full of pointers to pointers costs no more than its length', () => {
  const chain = Buffer.alloc(30_000);
  chain.writeUInt16BE(0xc00c, 0);
  for (let at = 2; at < chain.length; at += 2) chain.writeUInt16BE(0xc000 | Math.min(0x3fff, 12 + at - 2), at);
  const start = process.cpuUsage();
  decodeMessage(Buffer.concat([header('ffff000000000000'), chain]));
  assert.ok(process.cpuUsage(start).user < 2_000_000);
});

test('dns-message: no bytes make decoding or printing throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => readAll(bytes)));
});

const samples: readonly { readonly type: number; readonly hex: string }[] = [
  { type: types.A, hex: 'c0000201' },
  { type: types.AAAA, hex: '20010db8000000000000000000000001' },
  { type: types.AAAA, hex: '00000000000000000000000000000000' },
  { type: types.AAAA, hex: '20010db8000100000000000200000003' },
  { type: types.NS, hex: '026e730474657374 00' },
  { type: types.CNAME, hex: '0377777704746573 7400' },
  { type: types.PTR, hex: '0170 0474657374 00' },
  { type: types.DNAME, hex: '0164 0474657374 00' },
  { type: types.MX, hex: '000a 046d61696c 0474657374 00' },
  {
    type: types.SOA,
    hex: '026e73 0474657374 00 0a686f73746d6173746572 0474657374 00 000003e8 00000e10 00000384 00093a80 0000003c',
  },
  { type: types.TXT, hex: '0b68656c6c6f20776f726c64 05 6122623b5c 02 07ff' },
  { type: types.SRV, hex: '0001 0002 13c4 0473697031 0474657374 00' },
  { type: types.NAPTR, hex: '000a 0014 0175 03736970 0e215e2e2a24217369703a61406221 00' },
  { type: types.CAA, hex: '00 05 6973737565 63612e74657374' },
  { type: types.HINFO, hex: '03783836 056c696e7578' },
  { type: types.RP, hex: '0161 0474657374 00 0162 0474657374 00' },
  { type: types.DS, hex: '1234 08 02 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef' },
  { type: types.DNSKEY, hex: '0101 03 08 03010001abcdef' },
  { type: types.RRSIG, hex: '0001 08 02 0000003c 6a0b1b80 69f8a680 1234 0474657374 00 abcdef0123' },
  { type: types.NSEC, hex: '0162 0474657374 00 0006 400000000003' },
  { type: types.NSEC3, hex: '01 00 000a 04 aabbccdd 14 0123456789abcdef0123456789abcdef01234567 0006 400000000002' },
  { type: types.NSEC3PARAM, hex: '01 00 000a 00' },
  { type: types.TLSA, hex: '03 01 01 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef' },
  { type: types.SSHFP, hex: '04 02 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef' },
  { type: types.URI, hex: '000a 0001 68747470733a2f2f61' },
  { type: types.HTTPS, hex: '0001 00 0001 0006 026832 02 6833 0003 0002 01bb 0004 0004 c0000201' },
  { type: types.SVCB, hex: '0001 0161 0474657374 00 0003 0002 20fb' },
  { type: 65_280, hex: 'abcdef' },
];

const answers: readonly Answer[] = samples.map(({ type, hex }) => ({
  type,
  data: Buffer.from(hex.replaceAll(' ', ''), 'hex'),
  // dig refuses an owner that is no hash.
  ...(type === types.NSEC3 ? { name: '2t7b4g4vsa5smi47k61mv5bv1a22bojr.test' } : {}),
}));

const readAll = (bytes: Uint8Array): boolean => {
  const decoded = decodeMessage(bytes);
  if (!decoded.ok) return decoded.why.length > 0;
  const { message } = decoded;
  return [message.answers, message.authority, message.additional]
    .flat()
    .every((record) => recordText(record, message).split('\t').length === 5);
};

const whole = encodeReply(
  { id: 1, name: 'x.test', type: 255, question: Buffer.from('01780474657374 0000ff0001'.replaceAll(' ', ''), 'hex') },
  { answers },
);

test('dns-message: an answer of every type that is damaged in one place is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (place, byte) => {
      const bytes = Buffer.from(whole);
      bytes[place] = byte;
      return readAll(bytes);
    }),
    { numRuns: 1_000 },
  );
});

test('dns-message: no byte of an answer, whatever stands in its place, breaks the parts of a record apart', () => {
  // What ends a part or a text, what escapes, and what has a meaning for lengths and pointers.
  const awkward = [0, ...Buffer.from('\t\n\r "\\\u007f'), 0xc0, 0xff];
  for (let place = 0; place < whole.length; place += 1)
    for (const byte of awkward) {
      const bytes = Buffer.from(whole);
      bytes[place] = byte;
      assert.ok(readAll(bytes), `${byte} at ${place}`);
    }
});

test('dns-message: an answer cut anywhere is refused', () => {
  for (let length = 0; length < whole.length; length += 1)
    assert.equal(decodeMessage(whole.subarray(0, length)).ok, false, String(length));
});

/** dig and miekg/dns differ in white space inside hex and base64, and in the case of some digits. */
const folded = (text: string): string => text.toLowerCase().replaceAll(/["\s]+/g, '');

test('dns-message: every type is printed as dig prints it', async (t) => {
  const dig = await needs(t, 'dig');
  if (dig === undefined) return;
  await using server = await dnsServer({
    reply: ({ type }) => ({ answers: answers.filter((answer) => answer.type === type) }),
  });
  for (const type of new Set(answers.map((answer) => answer.type))) {
    const args = [
      '@127.0.0.1',
      '-p',
      String(server.port),
      '+noall',
      '+answer',
      '+nocookie',
      '+noedns',
      '+time=2',
      '+tries=1',
      'x.test',
      `TYPE${type}`,
    ];
    const { stdout }: { stdout: string } = await promisify(execFile)(dig.path, args);
    const reply = encodeReply(
      { id: 1, name: 'x.test', type, question: Buffer.from('01780474657374000001 0001'.replaceAll(' ', ''), 'hex') },
      { answers: answers.filter((answer) => answer.type === type) },
    );
    const decoded = decodeMessage(reply);
    assert.ok(decoded.ok);
    const ours = decoded.message.answers.map((record) => folded(recordText(record, decoded.message))).sort();
    assert.deepEqual(ours, stdout.trim().split('\n').map(folded).sort(), `type ${type}`);
  }
});

test('dns-message: the text of a record has tabs between its parts, as blackbox_exporter matches it', () => {
  const decoded = decodeMessage(whole);
  assert.ok(decoded.ok);
  const [first, ...others] = decoded.message.answers.map((record) => recordText(record, decoded.message));
  assert.equal(first, 'x.test.\t60\tIN\tA\t192.0.2.1');
  assert.equal(
    others.find((text) => text.includes('\tTXT\t')),
    'x.test.\t60\tIN\tTXT\t"hello world" "a\\"b;\\\\" "\\007\\255"',
  );
  assert.equal(others.at(-1), 'x.test.\t60\tIN\tTYPE65280\t\\# 3 abcdef');
});
