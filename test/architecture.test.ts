import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reasons } from '../src/kernel/reason.ts';
import { version } from '../src/kernel/version.ts';
import {
  cycles,
  floors,
  importsOf,
  layerProblems,
  longFiles,
  type Sources,
  strayMetricNames,
  testNames,
  undocumented,
} from './house.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8');
const readAll = (pattern: string): Sources =>
  new Map(globSync(pattern, { cwd: root }).map((path) => [path, read(path)]));
const sources = readAll('src/**/*.ts');
const planted = (files: Record<string, string>): Sources => new Map(Object.entries(files));

test('architecture: all files are read and all their imports found', () => {
  assert.ok(sources.size > 50, `${sources.size} files`);
  for (const [file, text] of sources) {
    const lines = text.split('\n').filter((line) => /^(?:import\b|} from )/.test(line) && !line.endsWith('{'));
    assert.ok(importsOf(file, text).length >= lines.length, file);
    for (const { path } of importsOf(file, text))
      assert.ok(path === undefined || sources.has(path) || path.endsWith('.d.ts'), `${file} imports ${path}`);
  }
});

test('architecture: imports go downward only, and never sideways between probers or sinks', () => {
  assert.deepEqual(layerProblems(sources), []);
});

test('architecture: an import that goes up, sideways or out is found', () => {
  const problems = (file: string, text: string) => layerProblems(planted({ [file]: text }));
  const one = (file: string, text: string, why: RegExp) => {
    const found = problems(file, text);
    assert.equal(found.length, 1, `${file}: ${found}`);
    assert.match(found[0] ?? '', why);
  };
  one('src/net/a.ts', "import { http } from '../probers/http.ts';", /net is not above probers/);
  one('src/net/a.ts', "import type { Http } from '../probers/http.ts';", /net is not above probers/);
  one('src/net/a.ts', "export * from '../run/due.ts';", /net is not above run/);
  one('src/net/a.ts', "const x = await import('../cli/main.ts');", /net is not above cli/);
  one('src/net/a.ts', "import {\n  a,\n  type B,\n} from '../config/load.ts';", /net is not above config/);
  one('src/net/a.ts', "import def, { type B } from '../config/load.ts';", /net is not above config/);
  one('src/probers/dns.ts', "import { sink } from '../sinks/memory.ts';", /probers is not above sinks/);
  one('src/run/a.ts', "import { deliver } from '../delivery/deliver.ts';", /run is not above delivery/);
  one('src/probers/dns.ts', "import { http } from './http.ts';", /one of probers knows another/);
  one('src/probers/dns/dns.ts', "import { head } from '../http/head.ts';", /one of probers knows another/);
  one('src/sinks/queue.ts', "import { memory } from './memory.ts';", /one of sinks knows another/);
  one('src/probers/dns.ts', "import { probers } from './index.ts';", /one of probers knows another/);
  one('src/utils/a.ts', "import '../kernel/check.ts';", /utils is no room/);
  one('src/net/a.ts', "import '../utils/a.ts';", /utils is no room/);
  one('src/net/a.ts', "import { server } from '../../test/servers/http.ts';", /it leaves src/);
  one('src/protocol/a.ts', "import { connect } from 'node:net';", /protocol imports nothing of the kind/);
  one('src/kernel/a.ts', "import { Buffer } from 'node:buffer';", /kernel imports nothing of the kind/);
  one('src/kernel/a.ts', "import * as z from 'zod';", /kernel imports nothing of the kind/);
});

test('architecture: the linter forbids the same edges between rooms', () => {
  const { overrides } = JSON.parse(read('biome.json'));
  for (const [index, rooms] of floors.slice(0, -1).entries()) {
    const { includes, linter } = overrides[index];
    const [first] = linter.rules.style.noRestrictedImports.options.patterns;
    const above = floors.slice(index).flat();
    const forbidden = rooms.length > 1 ? above : above.filter((room) => !rooms.includes(room));
    assert.deepEqual(
      includes,
      rooms.map((room) => `src/${room}/**`),
    );
    assert.deepEqual(first.group, [`**/{${forbidden.join(',')}}/**`]);
  }
});

test('architecture: imports downward, within a room, and of packages are none of these', () => {
  const files = planted({
    'src/cli/run.ts': "import { a } from '../kernel/check.ts';\nimport { b } from './paint.ts';",
    'src/probers/index.ts': "import { dns } from './dns/dns.ts';\nimport { tcp } from './tcp.ts';",
    'src/probers/dns/dns.ts': "import { facts } from './facts.ts';\nimport * as z from 'zod';",
    'src/protocol/a.ts': "import { Buffer } from 'node:buffer';\nimport { RE2JS } from 're2js';",
    'src/net/a.ts': "/** Not `import { http } from '../probers/http.ts'`. */\nexport const a = 1;",
  });
  assert.deepEqual(layerProblems(files), []);
});

test('architecture: no imports go in a circle, types included', () => {
  assert.deepEqual(cycles(sources), []);
});

test('architecture: a circle of imports is found, through types too', () => {
  const files = planted({
    'src/net/a.ts': "import type { B } from './b.ts';",
    'src/net/b.ts': "import { c } from './c.ts';",
    'src/net/c.ts': "import type { A } from './a.ts';",
    'src/net/d.ts': "import type { A } from './a.ts';",
  });
  assert.deepEqual(cycles(files), ['src/net/a.ts -> src/net/b.ts -> src/net/c.ts -> src/net/a.ts']);
});

test('architecture: every export has a docstring', () => {
  assert.deepEqual(undocumented(sources), []);
});

test('architecture: an export without a docstring is found', () => {
  const files = planted({
    'src/a.ts':
      '/** Good. */\nexport const a = 1;\n\nexport const b = 2;\n// no docstring\nexport type C = 1;\n/* nor this */\nexport function d() {}\n',
  });
  assert.deepEqual(undocumented(files), [
    'src/a.ts:4 b has no docstring',
    'src/a.ts:6 C has no docstring',
    'src/a.ts:8 d has no docstring',
  ]);
});

test('architecture: the name of a metric is written once, where it is defined', () => {
  assert.deepEqual(strayMetricNames(sources), []);
});

test('architecture: the name of a metric elsewhere, or defined twice, is found', () => {
  const files = planted({
    'src/a.ts': "const a = gauge('probe_a', 'A.');\nconst b = counter(\n  'bothways_b_total',\n  'B.');",
    'src/b.ts':
      "/** Not `probe_c`. */\nconst a = gauge('probe_a', 'A.');\nif (name === 'probe_a') throw new Error(`bothways_b_total`);",
  });
  assert.deepEqual(strayMetricNames(files), [
    'src/b.ts defines probe_a, and so does src/a.ts',
    'src/b.ts writes probe_a outside its definition',
    'src/b.ts writes bothways_b_total outside its definition',
  ]);
});

test('architecture: no source file is longer than 300 lines', () => {
  assert.deepEqual(longFiles(sources, 300), []);
  assert.deepEqual(longFiles(planted({ 'src/a.ts': 'x\n'.repeat(301) }), 300), [
    'src/a.ts has 301 lines, more than 300',
  ]);
});

test('architecture: every reason has a test that names it', () => {
  const names = testNames(readAll('test/**/*.test.ts'));
  const missing = Object.keys(reasons).filter(
    (reason) => !names.some((name) => new RegExp(`\\b${reason}\\b`).test(name)),
  );
  assert.deepEqual(missing, []);
});

test('architecture: names of tests are found in all three kinds of quotes', () => {
  const text = "test('a: b', f);\ntest(\n  \"c's: d\",\n  f);\ntest(`e: f`, g);\nt.test('h', i);";
  assert.deepEqual(testNames(planted({ 'a.test.ts': text })), ['a: b', "c's: d", 'e: f', 'h']);
});

test('architecture: the version is the one of package.json', () => {
  assert.equal(version, JSON.parse(read('package.json')).version);
});

test('architecture: the lock file knows the programs of all platforms that a package brings, as npm ci demands', () => {
  type Locked = { readonly optionalDependencies?: Readonly<Record<string, string>> };
  const packages: Readonly<Record<string, Locked>> = JSON.parse(read('package-lock.json')).packages;
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
  const known = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)));
  assert.ok(wanted.length > 50);
  assert.deepEqual(
    wanted.filter((name) => !known.has(name)),
    [],
  );
});

test('architecture: the lock file names no place to download from', () => {
  assert.doesNotMatch(
    read('package-lock.json'),
    /"resolved": "(?!infra\/node")|https?:\/\/(?!opencollective|github|www\.patreon)[^"]*\.tgz/,
  );
});
