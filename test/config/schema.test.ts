import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { listSchema, type ProberTable } from '../../src/config/schema.ts';
import { probers as real } from '../../src/probers/index.ts';
import { compilePattern } from '../../src/protocol/pattern.ts';
import { good } from './lists.ts';
import { probers } from './probers.ts';

const tables: Readonly<Record<string, ProberTable>> = { small: probers, real };

for (const [name, table] of Object.entries(tables)) {
  test(`schema: parsing is idempotent, for the built-in modules of the ${name} table`, () => {
    for (const [prober, { settings, modules }] of Object.entries(table)) {
      for (const [module, input] of Object.entries(modules)) {
        const once = settings.safeParse(input);
        if (!once.success) continue; // what the text of a target adds is missing
        assert.deepEqual(settings.parse(once.data), once.data, `${prober} ${module}`);
        const list = listSchema(table).parse({ modules: { m: { prober, [prober]: input } } });
        assert.deepEqual(listSchema(table).parse(list), list);
      }
    }
  });

  test(`schema: the JSON Schema of the ${name} table is JSON and has no marks of ours`, () => {
    const json = jsonSchema(table);
    assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
    assert.equal(json.$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.doesNotMatch(JSON.stringify(json), /"secret":"/);
  });
}

test('schema: every key is described', () => {
  const undescribed: string[] = [];
  const look = (json: unknown, path: string): void => {
    if (typeof json !== 'object' || json === null) return;
    for (const [key, value] of Object.entries(json)) {
      if (key !== 'properties' || typeof value !== 'object' || value === null) {
        look(value, path);
        continue;
      }
      for (const [property, inner] of Object.entries(value)) {
        const described = JSON.stringify(inner).includes('"description"');
        if (!described && property !== 'secret') undescribed.push(`${path}.${property}`);
        look(inner, `${path}.${property}`);
      }
    }
  };
  look(jsonSchema(real), '');
  assert.deepEqual(undescribed, []);
});

test('schema: an overlay in the JSON Schema needs no key and takes null', () => {
  const text = JSON.stringify(jsonSchema(probers));
  const [, overlay = ''] = /"http":(\{"type":"object".*?\})/.exec(text) ?? [];
  assert.doesNotMatch(overlay, /"required"/);
  assert.match(text, /\{"anyOf":\[\{[^{}]*"type":"boolean"[^{}]*\},\{"type":"null"\}\]\}/);
});

test('schema: globs match as regular expressions of the same meaning do', () => {
  const vantages = (name: string) => `vantages: { ${name}: { kind: agent } }\n`;
  fc.assert(
    fc.property(fc.stringMatching(/^[ab][ab.-]{0,8}$/), fc.stringMatching(/^[ab*?]{1,6}$/), (name, pattern) => {
      const expression = `^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`;
      const compiled = compilePattern(expression);
      const expected = compiled.ok && compiled.pattern.test(name);
      const list = `${vantages(name)}targets: [{ target: "http://all", from: ["*"] }]\ndefaults: { inside: { from: ["${pattern}"] } }`;
      assert.ok(good(list));
      const selected = (() => {
        try {
          return (
            good(`${vantages(name)}targets: [{ target: "http://x", from: ["${pattern}"] }]`).compiled.checks.length > 0
          );
        } catch {
          return false;
        }
      })();
      assert.equal(selected, expected);
    }),
    { numRuns: 200 },
  );
});
