import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { sharedSchema } from '../../src/generate/shared-schema.ts';
import { probers } from '../../src/probers/index.ts';

/** The schema with every reference followed. */
const followed = (value: unknown, definitions: Record<string, unknown>): unknown => {
  if (Array.isArray(value)) return value.map((item) => followed(item, definitions));
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value) return followed(definitions[String(value.$ref).slice('#/$defs/'.length)], definitions);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, followed(inner, definitions)]));
};

test('shared-schema: what the references stand for is the schema it was made from, and it is shorter', () => {
  const schema = jsonSchema(probers);
  const { $defs, ...short } = sharedSchema(schema);
  assert.ok(typeof $defs === 'object' && $defs !== null);
  assert.deepEqual(followed(short, { ...$defs }), JSON.parse(JSON.stringify(schema)));
  assert.ok(JSON.stringify({ ...short, $defs }).length < JSON.stringify(schema).length / 2);
});

test('shared-schema: values that look like schemas are left as they are, and small parts too', () => {
  const large = { type: 'object', description: 'x'.repeat(500) };
  const schema = {
    properties: {
      a: { type: 'string' },
      b: { type: 'string' },
      c: { default: large },
      d: { title: 'D', default: large },
    },
  };
  assert.deepEqual(sharedSchema(schema), schema);
  assert.deepEqual(sharedSchema({ properties: { a: large, b: large } }), {
    properties: { a: { $ref: '#/$defs/part1' }, b: { $ref: '#/$defs/part1' } },
    $defs: { part1: large },
  });
});
