import assert from 'node:assert/strict';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { decode } from '../../src/config/files.ts';
import { load, loadValue } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { listSchema } from '../../src/config/schema.ts';
import { good, loadText, problemsOf } from './lists.ts';
import { probers } from './probers.ts';

const only = (text: string): string => {
  const problems = problemsOf(text);
  assert.equal(problems.length, 1, problems.slice(0, 3).join('\n'));
  return problems[0] ?? '';
};

test('hostile: aliases that multiply are refused', () => {
  const laughs = Array.from(
    { length: 20 },
    (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}, *l${level}]`,
  );
  assert.match(only(`l0: &l0 [x, x]\n${laughs.join('\n')}`), /aliases \(\*name\) repeat too much/);
  const megabyte = `a: &a [x, x, x]\nb: [${'*a,'.repeat(350_000)}]`;
  assert.match(only(megabyte), /too many values|aliases/);
  assert.match(only('a: &a { b: *a }'), /contains itself/);
});

test('hostile: aliases and merge keys in moderation are what they say', () => {
  const { compiled } = good(`
vantages: { a: { kind: agent } }
modules:
  base: &base { prober: http, timeout: 3s, http: &http { method: PUT, body: x } }
  more: { <<: *base, http: { <<: *http, body: y } }
targets: [{ target: "http://x", module: more }]
`);
  const settings = JSON.parse(JSON.stringify(compiled.checks[0]?.module.settings));
  assert.deepEqual([settings.method, settings.body, compiled.checks[0]?.module.timeoutMs], ['PUT', 'y', 3_000]);
});

test('hostile: deep nesting is refused', () => {
  const depth = 10_000;
  assert.match(only(`${'['.repeat(depth)}${']'.repeat(depth)}`), /nested too deeply/);
  assert.match(only(`a: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`), /nested too deeply/);
  assert.match(only(`${'- '.repeat(depth)}x`), /nested too deeply/);
  assert.match(only(`a: ${'['.repeat(100)}${']'.repeat(100)}`), /nested more than 64 levels deep/);
  assert.match(only(Array.from({ length: 100 }, (_, level) => `${' '.repeat(level)}a:`).join('\n')), /nested/);
});

test('hostile: NUL bytes and what is not UTF-8 are refused', () => {
  assert.deepEqual(decode(Buffer.from('a: \0')), {
    ok: false,
    message: 'has NUL bytes; a list is a text file in UTF-8',
  });
  assert.deepEqual(decode(Buffer.from([0x61, 0xff])), { ok: false, message: 'is not UTF-8; save it in that encoding' });
  assert.deepEqual(decode(Buffer.from('\uFEFFa: ä')), { ok: true, text: 'a: ä' });
});

test('hostile: a file of 100 MB is refused unread', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'list.yaml');
  await using handle = await open(file, 'w');
  await handle.truncate(100_000_000);
  const loaded = await load([file], { probers });
  assert.equal(loaded.ok, false);
  assert.deepEqual(loaded.problems.map(problemText), [`${file}: larger than 32 MiB; split it into several files`]);
});

test('hostile: keys that objects have anyway are refused or unknown', () => {
  assert.match(only('__proto__: { polluted: true }'), /a key must be a plain text/);
  assert.match(only('constructor: 1'), /^list\.yaml:1 constructor: unknown key/);
  const [use = '', problem = ''] = problemsOf(
    'vantages: { a: { kind: agent } }\nmodules: { m: { prober: toString } }\ntargets: [{ target: "http://x", module: m }]',
  ).sort((x, y) => Number(x.includes('must be')) - Number(y.includes('must be')));
  assert.match(use, /the module "m" cannot be used/);
  assert.match(problem, /must be one of/);
  assert.match(
    only('vantages: { a: { kind: agent } }\ntargets: [{ target: "http://x", module: constructor }]'),
    /no module/,
  );
});

test('hostile: any JSON gives problems or a list, and never throws', () => {
  const word = fc.constantFrom(
    ...'version vantages kind lambda agent a targets target name module http tcp headers basic_auth password also from inside groups defaults outside interval timeout 1m labels remote_write url tls_config queue_config modules prober external_labels http://x'.split(
      ' ',
    ),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium' },
      word,
      fc.jsonValue(),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 6 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const loaded = loadValue(value, { probers });
      if (loaded.ok) assert.deepEqual(listSchema(probers).parse(loaded.list), loaded.list);
      else assert.ok(loaded.problems.length > 0);
    }),
    { numRuns: 500 },
  );
});

test('hostile: a wrong type at any place gives a problem', () => {
  const list = {
    version: 1,
    external_labels: { env: 'prod' },
    budget: { usd: 1, series: 2 },
    vantages: { a: { kind: 'agent', labels: { vantage_x: 'y' }, min_interval: '1s' } },
    remote_write: [{ url: 'http://p/push', from: ['a'], headers: { X: 'y' }, queue_config: { capacity: 5 } }],
    defaults: { inside: { from: ['a'], interval: '30s', quorum: 1, names: ['network_exporter'] } },
    modules: { m: { prober: 'http', timeout: '5s', http: { valid_status_codes: [200], tls_config: { ca: 'x' } } } },
    groups: [{ name: 'g', labels: { a: 'b' }, targets: ['http://y'] }],
    targets: [
      {
        name: 'x',
        target: 'http://x',
        module: 'm',
        slo: { objective: 99, window: '30d' },
        also: ['tcp'],
        http: { headers: { X: 'y' } },
      },
    ],
  };
  assert.equal(loadValue(list, { probers }).ok, true);
  const wrong = (value: unknown): unknown => (typeof value === 'object' ? 'text' : { not: ['this'] });
  const places = (value: unknown, path: (string | number)[]): (string | number)[][] =>
    typeof value !== 'object' || value === null
      ? [path]
      : [
          path,
          ...Object.entries(value).flatMap(([key, inner]) =>
            places(inner, [...path, Array.isArray(value) ? Number(key) : key]),
          ),
        ];
  const replaced = (value: unknown, [step, ...rest]: (string | number)[]): unknown => {
    if (step === undefined) return wrong(value);
    if (Array.isArray(value)) return value.map((item, index) => (index === step ? replaced(item, rest) : item));
    return Object.fromEntries(
      Object.entries(value ?? {}).map(([key, inner]) => [key, key === String(step) ? replaced(inner, rest) : inner]),
    );
  };
  for (const path of places(list, [])) {
    const loaded = loadValue(replaced(list, path), { probers });
    assert.equal(loaded.ok, false, path.join('.'));
  }
});

const many = (count: number): string =>
  `vantages: { a: { kind: agent } }\ntargets:\n${Array.from({ length: count }, (_, index) => `  - { name: shop-${index}, target: "https://host-${index}.example.com/healthz", interval: 1m, labels: { team: a } }\n`).join('')}external_labels: { env: x }\n`;

test('hostile: 100,000 targets load in time linear in their number', () => {
  const timed = (count: number): number => {
    const text = many(count);
    const before = process.cpuUsage();
    assert.equal(good(text).compiled.checks.length, count);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  timed(1_000);
  const few = timed(10_000);
  assert.ok(timed(100_000) < 15 * few);
});

test('hostile: in a long list problems still have their lines', () => {
  const text = many(12_000)
    .replace('name: shop-10500,', 'nam: shop-10500,')
    .replace('external_labels: { env: x }', 'external_lables: { env: x }');
  assert.deepEqual(problemsOf(text), [
    'list.yaml:10503 targets[10500].nam: unknown key; did you mean "name"?',
    'list.yaml:12003 external_lables: unknown key; did you mean "external_labels"?',
  ]);
  assert.match(
    only(many(12_000).replace('name: shop-10500, target', 'name: shop-10500, name')),
    /^list\.yaml:10503 targets\[10500\]: the key "name" stands here twice/,
  );
});

test('hostile: a long list is the same in pieces and as a whole', () => {
  const text = many(5_000);
  const whole = loadText(`x-anchor: &x 1\n${text}`.replace('x-anchor: &x 1\n', '# &x\n'));
  assert.deepEqual(whole.ok && whole.list, good(text).list);
});

test('hostile: too many values in one piece are refused before they are parsed', () => {
  assert.match(only(`a: [${'1,'.repeat(700_000)}]`), /too many values to read at once/);
});
