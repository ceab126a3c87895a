import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mask, maskedStart, masker } from '../../src/protocol/mask.ts';

const canary = 'cänary/7f3a+Zq==x';
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('mask: a secret is masked in each encoding that peers use', () => {
  const encodings: Readonly<Record<string, (text: string) => string>> = {
    raw: (text) => text,
    'lower case': (text) => text.toLowerCase(),
    'percent-encoded': encodeURIComponent,
    'percent-encoded in lower case': (text) => encodeURIComponent(text).replaceAll(/%../g, (one) => one.toLowerCase()),
    'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
    'every byte percent-encoded': (text) => Buffer.from(text).toString('hex').replaceAll(/../g, '%$&'),
    form: (text) => new URLSearchParams({ x: text }).toString(),
    JSON: (text) => JSON.stringify(text),
    'JSON in ASCII': (text) => JSON.stringify(text).replaceAll('ä', '\\u00e4').replaceAll('/', '\\/'),
    'JSON in JSON': (text) => JSON.stringify(JSON.stringify({ text })),
    HTML: (text) => text.replaceAll('ä', '&auml;').replaceAll('/', '&#x2F;').replaceAll('=', '&#61;'),
    'octal escapes': (text) => text.replaceAll('ä', '\\303\\244'),
    base64,
    'base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
    'base64, one character in': (text) => base64(`x${text}y`),
    'base64, two characters in': (text) => base64(`xx${text}y`),
    'base64, of a pair': (text) => base64(`user:${text}`),
    'base64, twice': (text) => base64(base64(text)),
    'base64 of JSON': (text) => base64(JSON.stringify({ text })),
    'base64, percent-encoded': (text) => encodeURIComponent(base64(`user:${text}`)),
    hexadecimal: (text) => Buffer.from(text).toString('hex'),
    'hexadecimal in upper case': (text) => Buffer.from(text).toString('hex').toUpperCase(),
    'hexadecimal with colons': (text) =>
      Buffer.from(text)
        .toString('hex')
        .replaceAll(/..(?=.)/g, '$&:'),
    'Latin-1 read as UTF-8': (text) => Buffer.from(text).toString('latin1'),
  };
  for (const [name, encode] of Object.entries(encodings)) {
    const encoded = encode(canary);
    const shown = mask(`before ${encoded} after`, [canary]);
    assert.match(shown, /^before .*\*\*\*.* after$/, `${name}: ${shown}`);
    assert.ok(!shown.toLowerCase().includes('7f3a'), `${name}: ${shown}`);
    assert.ok(shown.length < 40, `${name}: ${shown}`);
    // In the middle of other characters of its own alphabet too.
    const inside = mask(`abc${encoded}def`, [canary]);
    assert.ok(!inside.includes(encoded.slice(2, -2)), `${name}: ${inside}`);
  }
});

test('mask: what a text has besides the secret stays', () => {
  assert.equal(mask('no such tenant', ['hunter2hunter2']), 'no such tenant');
  assert.equal(mask('user root, password hunter2!', ['hunter2!']), 'user root, password ***');
  assert.equal(mask('a text', []), 'a text');
  assert.equal(mask('a text', ['', ' ']), 'a text');
});

test('mask: a part of a secret is masked too, from half of it on', () => {
  const secret = 'abcdefgh-ijklmnop-qrstuvwx';
  assert.equal(mask('token abcdefgh-ijkl… is not valid', [secret]), 'token ***… is not valid');
  assert.equal(mask('…ijklmnop-qrst…', [secret]), '…***…');
  assert.equal(
    mask(`x ${base64('user:abcdefgh-ijkl')}`, [secret]).includes(base64('user:abcdefgh-ijkl').slice(8, 20)),
    false,
  );
});

test('mask: a secret of one to three characters is masked where it stands alone', () => {
  assert.equal(mask('tenant 42 has no limit of 1420', ['42']), 'tenant *** has no limit of 1420');
});

test('mask: a secret that is base64 is masked opened too', () => {
  assert.equal(mask('no user admin:hunter2hunter2', [base64('admin:hunter2hunter2')]), 'no user ***');
});

test('mask: a text that was cut does not end with a part of a secret', () => {
  const secret = 'abcdefgh-ijklmnop';
  for (let length = 1; length <= secret.length; length += 1) {
    const shown = maskedStart(`${'x'.repeat(200)} ${secret.slice(0, length)}`, masker([secret]), 1_024, true);
    assert.ok(!shown.includes('a'), `${length}: ${shown}`);
    const encoded = base64(`u:${secret}`).slice(0, length);
    assert.ok(!maskedStart(`${'-'.repeat(200)} ${encoded}`, masker([secret]), 1_024, true).includes('dT'), encoded);
  }
  assert.equal(maskedStart('a\r\nb\u0000c ', masker(['secret']), 4, false), 'a b ');
  assert.equal(maskedStart('ab😀', masker(['secret']), 3, false), 'ab');
});

const secretText = fc
  .string({ unit: 'grapheme', minLength: 4, maxLength: 40 })
  .filter((text) => /^\S[^\0]*\S$/.test(text) && text.isWellFormed() && !text.includes('*'));
const encoders: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  (text) => JSON.stringify(text).slice(1, -1),
  base64,
  (text) => Buffer.from(text).toString('base64url'),
  (text) => Buffer.from(text).toString('hex'),
  (text) => text.replaceAll(/[&<>"']/g, (one) => `&#${one.codePointAt(0)};`),
];

test('mask: no random secret is left in any random place of a text, encoded up to twice', () => {
  fc.assert(
    fc.property(
      secretText,
      fc.string({ maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      fc.constantFrom(...encoders),
      fc.constantFrom(...encoders.slice(0, 3)),
      (secret, before, after, inner, outer) => {
        const encoded = outer(inner(`u:${secret}`));
        const shown = mask(`${before} ${encoded} ${after}`, [secret]);
        assert.ok(shown.includes('***'), shown);
        assert.ok(!shown.includes(encoded), shown);
        assert.ok(!shown.includes(secret), shown);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('mask: no text and no secret makes it throw, and a text without anything of a secret is not changed', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.string({ unit: 'binary' })),
      (text, secrets) => {
        assert.equal(typeof mask(text, secrets), 'string');
        assert.equal(mask(text.replaceAll(/[\dqx]/gi, '-'), ['4711-qqqq-xxxx-0815']).includes('***'), false);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('mask: the work grows with the text, not with its square, whatever the text is', () => {
  const secrets = [canary, 'x'.repeat(20_000), 'hunter2hunter2'];
  const hide = masker(secrets);
  const timeOf = (text: string) => {
    hide(text.slice(0, 100));
    const start = performance.now();
    hide(text);
    return performance.now() - start;
  };
  for (const unit of ['YWJj', 'ab%41', '\\u0041', '&amp;', 'ff:', 'hunter', 'x']) {
    const small = Math.min(...[1, 2, 3].map(() => timeOf(unit.repeat(2_048 / unit.length))));
    const large = Math.min(...[1, 2, 3].map(() => timeOf(unit.repeat(16_384 / unit.length))));
    assert.ok(large < 40 * small + 20, `${unit}: ${small} ms, ${large} ms`);
  }
});
