// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadValue } from '../../src/config/load.ts';
import { compileFound, type FoundBlock } from '../../src/discover/compile-found.ts';
import { distinct, fullNameOf } from '../../src/discover/distinct.ts';
import { groupsOfSide } from '../../src/discover/public-list.ts';
import { probers } from '../../src/probers/index.ts';

const base = (more: object = {}) => {
  const loaded = loadValue(
    {
      vantages: { 'eu-west-1': { kind: 'lambda' }, prod: { kind: 'agent' } },
      modules: { api: { prober: 'http', http: { method: 'HEAD' } } },
      discover: { kubernetes: [{ kinds: ['ingress'] }] },
      targets: ['https://known.example.com'],
      ...more,
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  return loaded.list;
};
/** What a block lets objects do that says nothing else, but for its share. */
const tenancy = { share: 2_000, minInterval: '10s', expressions: false, jobs: false, cluster: '' };
const block = (entries: readonly (string | object)[], more: Partial<FoundBlock> = {}): FoundBlock => ({
  name: 'kubernetes[0]',
  found: entries.map((entry, index) => ({
    origin: `Ingress shop/${String(index).padStart(5, '0')}`,
    tenant: 'shop',
    entry: typeof entry === 'string' ? { target: entry } : { target: '', ...entry },
  })),
  maxTargets: 1_000,
  defaults: {},
  labels: {},
  tenancy,
  ...more,
});
const names = (compiled: ReturnType<typeof compileFound>) => compiled.checks.map(({ id }) => id).sort();

test('found targets: they are compiled as if the list had them, with the labels and defaults of their block', () => {
  const compiled = compileFound(
    base(),
    [
      block(['https://new.example.com', 'tcp://db.shop.svc:5432'], {
        labels: { cluster: 'a' },
        defaults: { profile: 'lean' },
      }),
    ],
    probers,
  );
  assert.deepEqual(names(compiled), ['shop/db.shop.svc:5432@prod', 'shop/new.example.com@eu-west-1']);
  assert.equal(compiled.checks[0]?.labels.cluster, 'a');
  assert.equal(compiled.checks[0]?.target.profile, 'lean');
  assert.deepEqual(compiled.remarks, []);
});

test('found targets: a name of the list is its own, and the same place is probed once', () => {
  const compiled = compileFound(
    base(),
    [block(['https://known.example.com', 'https://twice.example.com', 'https://twice.example.com'])],
    probers,
  );
  assert.deepEqual(names(compiled), ['shop/twice.example.com@eu-west-1']);
  assert.deepEqual(compiled.remarks, [
    {
      origin: 'Ingress shop/00002',
      why: 'shop/twice.example.com is a target of Ingress shop/00001 already',
      tenant: 'shop',
    },
  ]);
});

const files: FoundBlock = {
  name: 'file_sd[0]',
  found: [],
  maxTargets: 1_000,
  defaults: {},
  labels: {},
  modules: 'any',
};
const found = (origin: string, target: string, more: object = {}) => {
  const namespace = /^\w+ (\w+)\//.exec(origin)?.[1] ?? '';
  return { origin, tenant: namespace, entry: { target, labels: { namespace }, ...more } };
};
const compiledOf = (all: readonly ReturnType<typeof found>[], more: Partial<FoundBlock> = {}, list: object = {}) =>
  compileFound(
    base(list),
    [
      block([], { found: all.filter(({ tenant }) => tenant !== ''), defaults: { from: ['prod'] }, ...more }),
      { ...files, found: all.filter(({ tenant }) => tenant === ''), defaults: { from: ['prod'] } },
    ],
    probers,
  );

test('found targets: several modules for one place, and several places of one name, are all probed under names that tell', () => {
  const all = [
    found('Probe shop/http', 'a.example.com', { module: 'http_2xx' }),
    found('Probe shop/ping', 'a.example.com', { module: 'icmp' }),
    found('/etc/sd.json', 'b.example.com', { module: 'icmp' }),
    found('/etc/sd.json', 'b.example.com', { module: 'http_2xx' }),
    found('Pod shop/web', 'http://10.0.0.1:80', { name: 'shop/web' }),
    found('Service shop/web', 'http://web.shop.svc:80', { name: 'shop/web' }),
    found('Ingress shop/web', 'http://c.example.com'),
    found('Ingress shop/web', 'https://c.example.com'),
    found('/etc/sd.json', 'http://d.example.com', { name: 'd' }),
    found('/etc/sd.json', 'http://e.example.com', { name: 'd' }),
  ];
  const expected = [
    'shop/a.example.com (icmp)',
    'shop/a.example.com',
    'b.example.com (icmp)',
    'b.example.com',
    'shop/c.example.com (https)',
    'shop/c.example.com',
    'd (http://e.example.com)',
    'd',
    'shop/web (Service)',
    'shop/web',
  ].map((name) => `${name}@prod`);
  for (const order of [all, all.toReversed(), [...all.slice(3), ...all.slice(0, 3)]]) {
    const compiled = compiledOf(order);
    assert.deepEqual(names(compiled), expected.sort());
    assert.deepEqual(compiled.remarks, []);
  }
  assert.deepEqual(names(compiledOf(all.slice(0, 2), {}, { targets: ['https://a.example.com'] })), []);
});

test('found targets: names that are told apart are never there twice, whatever they are', () => {
  const texts = fc.constantFrom('a', 'a (icmp)', 'a (Pod)', 'a (http)', 'x/a', 'y/a');
  const one = fc.constantFrom('x', 'y', '').chain((tenant) =>
    fc.record({
      tenant: fc.constant(tenant),
      origin: tenant === '' ? fc.constant('/sd.json') : fc.constantFrom(`Pod ${tenant}/a`, `Service ${tenant}/a`),
      entry: fc.record({
        target: fc.constantFrom('http://a', 'https://a', 'http://a:81', 'http://x/a'),
        name: texts,
        module: fc.constantFrom('icmp', 'http'),
      }),
    }),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), (all) => {
      const names = ['x', 'y', ''].flatMap((tenant) => {
        const own = all.filter((row) => row.tenant === tenant);
        const rows = distinct(own, { foundOf: (row) => row, nameOf: (row) => fullNameOf(row), remark: () => {} });
        return rows.map(({ name }) => name);
      });
      assert.equal(new Set(names).size, names.length);
    }),
  );
});

test('found targets: two namespaces that name one place are both probed, each as its own object says', () => {
  const compiled = compiledOf([
    found('Ingress aaa/x', 'https://shop.example.com', { interval: '1h' }),
    found('Ingress shop/web', 'https://shop.example.com'),
  ]);
  assert.deepEqual(compiled.remarks, []);
  assert.deepEqual(
    compiled.checks.map(({ id, target }) => [id, target.intervalMs]),
    [
      ['aaa/shop.example.com@prod', 3_600_000],
      ['shop/shop.example.com@prod', 60_000],
    ],
  );
});

test('found targets: of two objects of a namespace the one that is right has the place when the first is refused', () => {
  const compiled = compiledOf([
    found('Ingress shop/a', 'https://shop.example.com', { interval: 'soon' }),
    found('Ingress shop/b', 'https://shop.example.com'),
  ]);
  assert.deepEqual(names(compiled), ['shop/shop.example.com@prod']);
  assert.deepEqual(
    compiled.remarks.map(({ origin }) => origin),
    ['Ingress shop/a'],
  );
});

test('found targets: a namespace has its share, whatever others have', () => {
  const many = Array.from({ length: 20 }, (_, index) =>
    found(`Ingress aaa/${String(index).padStart(2, '0')}`, `https://a${index}.example.com`),
  );
  const few = ['x', 'y'].map((name) => found(`Ingress shop/${name}`, `https://${name}.example.com`));
  const pay = [found('Ingress pay/z', 'https://z.example.com')];
  for (const order of [
    [...many, ...few, ...pay],
    [...pay, ...few.toReversed(), ...many.toReversed()],
  ]) {
    const compiled = compiledOf(order, { maxTargets: 4, tenancy: { ...tenancy, share: 2 } });
    assert.deepEqual(
      names(compiled).map((id) => id.replace(/\..*/, '')),
      ['aaa/a0', 'aaa/a1', 'pay/z', 'shop/x', 'shop/y'],
    );
    assert.equal(compiled.above.get('kubernetes[0]'), 18);
    assert.match(compiled.remarks[0]?.why ?? '', /^18 targets above its share are left out by kubernetes\[0\]/);
    assert.match(compiled.remarks[1]?.why ?? '', /^kubernetes\[0\] has 5 targets, more than `max_targets` 4; none/);
    assert.equal(compiled.remarks.length, 2);
  }
});

test('found targets: what the list would refuse is left out with its words, and the rest is used', () => {
  const compiled = compileFound(
    base(),
    [
      block(
        [
          { target: 'https://a.example.com', interval: 'soon' },
          { target: 'https://b.example.com', module: 'apii' },
          { target: 'https://c.example.com', http: { fail_if_body_not_matches_regexp: ['('] } },
          { target: 'http://169.254.169.254/latest' },
          { target: 'nonsense' },
          { target: 'https://user:canary@d.example.com' },
          { target: 'https://e.example.com', labels: { phase: 'x' } },
          'https://good.example.com',
        ],
        { tenancy: { ...tenancy, expressions: true } },
      ),
    ],
    probers,
  );
  assert.deepEqual(names(compiled), ['shop/good.example.com@eu-west-1']);
  const said = compiled.remarks.map(({ origin, why }) => `${origin.slice(-1)} ${why}`).join('\n');
  assert.match(said, /^0 interval: .*; saw "soon"$/m);
  assert.match(said, /^1 module: no module "apii"; did you mean "api"\?$/m);
  assert.match(said, /^2 http\.fail_if_body_not_matches_regexp/m);
  assert.match(said, /^3 .*metadata service/m);
  assert.match(said, /^5 .*user name or password/m);
  assert.equal(compiled.remarks.length, 7);
  assert.doesNotMatch(said, /canary/);
});

test('found targets: of thousands each one that is refused is named, and the others are all used', () => {
  const many = Array.from({ length: 2_000 }, (_, index) =>
    index % 777 === 3 ? { target: `https://w${index}.example.com`, interval: 'soon' } : `https://w${index}.example.com`,
  );
  const compiled = compileFound(base(), [block(many, { tenancy: { ...tenancy, share: 1_900 } })], probers);
  assert.deepEqual(
    compiled.remarks.map(({ origin }) => origin).filter((origin) => origin.startsWith('Ingress')),
    ['Ingress shop/00003', 'Ingress shop/00780', 'Ingress shop/01557'],
  );
  assert.deepEqual([compiled.checks.length, new Set(names(compiled)).size], [1_897, 1_897]);
  assert.deepEqual(
    [...compiled.counts, ...compiled.above].map(([, count]) => count),
    [1_897, 100],
  );
  assert.equal(compiled.groups()[0]?.targets.length, 1_897);
});

test('found targets: defaults that fit nothing are said once, and only their block is left out', () => {
  const bad = block(
    Array.from({ length: 600 }, (_, index) => `https://bad${index}.example.com`),
    {
      name: 'kubernetes[1]',
      defaults: { from: ['nowhere'] },
    },
  );
  const compiled = compileFound(base(), [block(['https://good.example.com']), bad], probers);
  assert.deepEqual(names(compiled), ['shop/good.example.com@eu-west-1']);
  assert.equal(compiled.remarks.length, 1);
  assert.match(compiled.remarks[0]?.why ?? '', /"nowhere" matches no vantage/);
});

const partner = {
  modules: {
    partner: { prober: 'http', http: { headers: { Authorization: '${env:TOKEN}' } } },
    by_file: { prober: 'http', http: { bearer_token_file: import.meta.filename } },
    api: { prober: 'http' },
  },
};

test('found targets: an object has no secret sent to its host by a module that its block does not name', () => {
  const chosen = ['partner', 'by_file', 'api', 'http_2xx'].map((module) => ({
    target: `https://${module.replace('_', '-')}.example.com`,
    module,
  }));
  const compiled = (more: Partial<FoundBlock>, list = partner as object) =>
    compileFound(base(list), [block(chosen, { ...more, defaults: { from: ['prod'], ...more.defaults } })], probers);
  const used = (more: Partial<FoundBlock>) =>
    names(compiled(more)).map((id) => id.replace(/\.example.*/, '').replace('shop/', ''));
  const { remarks, groups } = compiled({});
  assert.deepEqual(used({}), ['api', 'http-2xx']);
  assert.deepEqual(
    remarks.map(({ origin, why }) => `${origin}: ${why}`),
    ['partner', 'by_file'].map(
      (name, index) =>
        `Ingress shop/0000${index}: module: "${name}" has secrets or a body, which no host gets by being found; write it into \`modules\` of kubernetes[0] if that is meant`,
    ),
  );
  assert.doesNotMatch(JSON.stringify(groups()), /partner/);
  assert.deepEqual(used({ modules: ['partner'] }), ['partner']);
  assert.deepEqual(compiled({ modules: ['partner'] }).remarks[1], {
    tenant: 'shop',
    origin: 'Ingress shop/00002',
    why: 'module: objects may not choose "api" here; write it into `modules` of kubernetes[0] if they may',
  });
  assert.deepEqual(used({ modules: ['api'], defaults: { module: 'partner' } }), ['api', 'partner']);
  assert.deepEqual(used({ modules: 'any' }), ['api', 'by-file', 'http-2xx', 'partner']);
});

test('found targets: literal secrets and bodies are secrets too: no object may choose a module that has any', () => {
  const modules = {
    bearer: { prober: 'http', http: { headers: { Authorization: 'Bearer literal-token' } } },
    key: { prober: 'http', http: { headers: { 'X-Api-Key': 'literal' } } },
    cookie: { prober: 'http', http: { headers: { Cookie: 'session=literal' } } },
    more: { prober: 'http', http: { http_headers: { 'X-Auth-Token': { values: ['literal'] } } } },
    form: { prober: 'http', http: { method: 'POST', body: 'a=1' } },
    file: { prober: 'http', http: { method: 'POST', body_file: import.meta.filename } },
    plain: { prober: 'http', http: { headers: { 'X-Tag': 'a' } } },
    post: { prober: 'http', http: { method: 'POST', headers: { 'X-Tag': 'a' } } },
  };
  const chosen = Object.keys(modules).map((module) => ({ target: `https://${module}.example.com`, module }));
  const used = (more: Partial<FoundBlock>) =>
    names(
      compileFound(
        base({ modules }),
        [block(chosen, { ...more, defaults: { from: ['prod'], ...more.defaults } })],
        probers,
      ),
    );
  assert.deepEqual(
    used({}).map((id) => id.replace(/\.example.*/, '')),
    ['shop/plain'],
  );
  assert.equal(used({ modules: 'any' }).length, chosen.length);
  const { remarks } = compileFound(base({ modules }), [block(chosen, { defaults: { from: ['prod'] } })], probers);
  for (const { why } of remarks)
    assert.match(
      why,
      /^module: (?:"\w+" has secrets or a body, which no host gets by being found;|post asks by POST,) /,
    );
  const login = { prober: 'tcp', tcp: { query_response: [{ send: 'PASS literal' }] } };
  const tcp = (module: string) =>
    names(
      compileFound(
        base({ modules: { login } }),
        [block([{ target: 'tcp://a.example.com:21', module }], { defaults: { from: ['prod'] } })],
        probers,
      ),
    );
  assert.deepEqual([tcp('login').length, tcp('tcp_connect').length], [0, 1]);
});

test('found targets: a module with secrets that the list has for all is not for hosts that were found', () => {
  const inherited = (list: object, more: Partial<FoundBlock> = {}) =>
    compileFound(base(list), [block(['https://found.example.com'], more)], probers);
  const { partner: http_2xx } = partner.modules;
  for (const list of [
    { ...partner, defaults: { outside: { module: 'partner' } } },
    { modules: { http_2xx, partner: http_2xx } },
  ]) {
    assert.deepEqual(names(inherited(list)), []);
    assert.match(inherited(list).remarks[0]?.why ?? '', /^module: "(?:partner|http_2xx)" has secrets or a body/);
    assert.equal(names(inherited(list, { modules: ['partner', 'http_2xx'] })).length, 1);
  }
  assert.equal(names(inherited({ modules: partner.modules }, { defaults: { module: 'partner' } })).length, 1);
  assert.equal(names(inherited({ modules: partner.modules }, { modules: ['partner'] })).length, 1);
});

test('found targets: what its object says of its side holds, unless its block says one', () => {
  const entry = { target: 'https://a.example.com', side: 'inside' };
  const vantages = (defaults: FoundBlock['defaults']) =>
    names(compileFound(base(), [block([entry], { defaults })], probers));
  assert.deepEqual(vantages({}), ['shop/a.example.com@prod']);
  assert.deepEqual(vantages({ side: 'outside' }), ['shop/a.example.com@eu-west-1']);
  const printed = (defaults: FoundBlock['defaults'], side: 'outside' | 'inside', target = entry.target) =>
    groupsOfSide(
      compileFound(
        base(),
        [block([{ ...entry, target }], { defaults: { from: ['prod'], ...defaults } })],
        probers,
      ).groups(),
      side,
    ).length;
  assert.deepEqual([printed({}, 'outside'), printed({}, 'inside')], [0, 1]);
  assert.deepEqual([printed({ side: 'outside' }, 'outside'), printed({ side: 'outside' }, 'inside')], [1, 0]);
  assert.equal(printed({ side: 'outside' }, 'outside', 'https://10.0.0.1'), 0);
});

test('found targets: those above the share of their namespace are left out and counted', () => {
  const many = Array.from({ length: 30 }, (_, index) => `https://w${index}.example.com`);
  const compiled = compileFound(base(), [block(many, { tenancy: { ...tenancy, share: 10 } })], probers);
  assert.deepEqual([compiled.checks.length, compiled.above.get('kubernetes[0]')], [10, 20]);
});

test('discover: defaults that fit nothing are refused when the list is loaded', () => {
  const problems = (discover: object) => {
    const loaded = loadValue(
      { vantages: { prod: { kind: 'agent' } }, discover, targets: ['tcp://a.svc:1'] },
      { probers },
    );
    return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`);
  };
  const kubernetes = (defaults: object) => problems({ kubernetes: [{ kinds: ['pod'], defaults }] });
  assert.deepEqual(kubernetes({ from: ['prod'] }), []);
  assert.match(
    kubernetes({ from: ['prdo'] })[0] ?? '',
    /kubernetes\[0\]\.defaults\.from\[0\]: "prdo" matches no vantage; did you/,
  );
  assert.match(kubernetes({ module: 'http_2xy' })[0] ?? '', /defaults\.module: no module "http_2xy"; did you mean/);
  assert.match(
    problems({ kubernetes: [{ kinds: ['pod'], modules: ['tcp_connect', 'http_2xy'] }] }).join(),
    /^[^,]*modules\[1\]: no module "http_2xy"; did you mean "http_2xx"\?$/,
  );
  assert.match(problems({ kubernetes: [{ kinds: ['deployment'] }] })[0] ?? '', /kinds\[0\]/);
  assert.match(problems({ file_sd: [{ files: ['x.toml'] }] })[0] ?? '', /ends with \.json, \.yml or \.yaml/);
  assert.deepEqual(problems({ file_sd: [{ files: ['/nowhere/*.json'] }] }), []);
});

test('found targets: a text that is too long, or refers to a secret, costs that target alone, and is not repeated', () => {
  const long = 'x'.repeat(2_000);
  const compiled = compileFound(
    base(),
    [
      block([
        `https://a.example.com/${long}`,
        { target: 'https://b.example.com', name: long },
        { target: 'https://c.example.com', labels: { team: long } },
        { target: 'https://d.example.com', http: { fail_if_body_not_matches_regexp: ['${env:TOKEN}'] } },
        'https://e.example.com/${file:/etc/passwd}',
        `https://f.example.com/${long.slice(0, 1_000)}`,
      ]),
    ],
    probers,
  );
  assert.equal(compiled.checks.length, 1);
  assert.deepEqual(
    compiled.remarks.map(({ why }) => why),
    [
      ...Array(3).fill('a text of more than 1024 characters; it is left out'),
      ...Array(2).fill('a reference to a secret is not read from what was found; it is left out'),
    ],
  );
});

test('found targets: an expression whose program is large is left out, and the list may have it all the same', () => {
  const expect = (text: string) => ({
    http: { fail_if_body_not_matches_regexp: [text], body_match_limit: '64KB' },
  });
  const all = [
    found('Pod shop/good', 'http://good.svc/', expect('status: (?:ok|up)')),
    found('Pod shop/large', 'http://large.svc/', expect('1[01]{1000}2')),
    found('Pod shop/line', 'tcp://line.svc:25', { tcp: { query_response: [{ expect: 'x{300}' }] } }),
  ];
  const compiled = compiledOf(all, { tenancy: { ...tenancy, expressions: true } });
  assert.deepEqual(names(compiled), ['shop/good.svc@prod']);
  assert.equal(names(compiledOf(all)).length, 3, 'an expression that is ignored refuses nothing');
  assert.deepEqual(
    compiled.remarks.map(({ origin, why }) => `${origin}: ${why.replace(/\d+ instructions,/, 'N instructions,')}`),
    [
      'Pod shop/large: expect: the regular expression is too large: a program of about N instructions, at most 200; it is left out',
      'Pod shop/line: expect: the regular expression is too large: a program of about N instructions, at most 200; it is left out',
    ],
  );
});
