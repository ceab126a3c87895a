// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the serverless framework's
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { awsSettings } from '../../src/config/aws.ts';
import { loadValue } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { probers } from './probers.ts';

const own = { kind: 'lambda' };
const problemsOf = (aws: unknown, vantages: unknown = { 'eu-west-1': own }): readonly string[] => {
  const loaded = loadValue({ aws, vantages, targets: ['https://www.example.com'] }, { probers });
  return loaded.ok ? [] : loaded.problems.map((problem) => problemText(problem).trim());
};

const plainKey = 'arn:aws:kms:eu-west-1:123456789012:key/0123';
const regionalKey = 'arn:aws:kms:us-west-2:123456789012:key/mrk-0123';

const full = {
  memory: 512,
  permissions_boundary: 'arn:aws:iam::123456789012:policy/teams/boundary',
  iam_path: '/teams/edge/',
  role_arn: 'arn:aws:iam::123456789012:role/teams/functions',
  schedule_role_arn: 'arn:aws:iam::123456789012:role/schedules',
  kms_key: plainKey,
  tags: { team: 'Zuverlässigkeit a+b=c@d/e:f', Costs: '' },
  alarm_topic: 'on_call-1',
  vpc: { subnet_ids: ['subnet-0123456789abcdef0'], security_group_ids: ['sg-0123456789abcdef0'], ipv6: true },
  list: { bucket: 'lists', region: 'eu-west-1', prefix: 'b/', kms_key: plainKey, clusters: ['prod-a'] },
};

/** Paths of all texts in a value. */
const textsIn = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
  typeof value === 'string'
    ? [path]
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, part]) => textsIn(part, [...path, key]))
      : [];

/** The same for a JSON Schema: an item or value of any name is `0`. */
const textsOf = (schema: unknown, path: readonly string[] = []): (readonly string[])[] => {
  const { type, properties, items, additionalProperties } = Object(schema);
  if (type === 'string') return [path];
  return [
    ...Object.entries(Object(properties)).flatMap(([key, part]) => textsOf(part, [...path, key])),
    ...[items, additionalProperties].flatMap((part) => (typeof part === 'object' ? textsOf(part, [...path, '0']) : [])),
  ];
};

const withText = (value: unknown, [first, ...rest]: readonly string[], text: string): unknown => {
  if (first === undefined) return `${String(value)}${text}`;
  const part = withText(Object(value)[first], rest, text);
  return Array.isArray(value) ? value.with(Number(first), part) : { ...Object(value), [first]: part };
};

test('aws settings: nothing that the serverless framework would put something else in place of is taken, in no text', () => {
  assert.deepEqual(problemsOf(full), []);
  const named = (path: readonly string[]) =>
    path.map((step) => (step === 'team' || step === 'Costs' ? '0' : step)).join('.');
  const tried = new Set(textsIn(full).map(named));
  for (const path of textsOf(z.toJSONSchema(awsSettings, { io: 'input' })))
    assert.ok(tried.has(path.join('.')), `${path.join('.')} is not tried`);
  for (const text of ['${file(./secret.json):k}', '${self:service}', '${opt:stage}'])
    for (const path of textsIn(full)) {
      const problems = problemsOf(withText(full, path, text));
      assert.equal(problems.length, 1, path.join('.'));
      assert.ok(problems[0]?.startsWith(`aws.${path.join('.').replaceAll(/\.(\d)/g, '[$1]')}: `), problems[0]);
      assert.ok(!problems[0]?.includes('secret.json'), problems[0]);
    }
  assert.equal(problemsOf({ tags: { 'x${self:service}': 'a' } }).length, 1);
});

test('aws settings: tags are what AWS takes, and none of ours', () => {
  const said = (tags: Readonly<Record<string, string>>) => problemsOf({ tags }).join('\n');
  for (const [tags, sentence] of [
    [{ 'bothways:stage': 'other' }, /names that begin with bothways: are ours/],
    [{ 'Bothways:x': 'other' }, /names that begin with bothways: are ours/],
    [{ 'aws:team': 'x' }, /names that begin with aws: are for AWS alone/],
    [{ 'AWS:team': 'x' }, /names that begin with aws: are for AWS alone/],
    [{ 'te*m': 'x' }, /a tag has letters, digits, blanks and _ \. : \/ = \+ - @ alone/],
    [{ team: 'x&y' }, /a tag has letters, digits, blanks and _ \. : \/ = \+ - @ alone/],
    [{ team: 'x\ny' }, /a tag has letters, digits, blanks/],
    [{ team: 'x'.repeat(257) }, /at most 256/],
    [{ ['x'.repeat(129)]: 'y' }, /at most 128/],
    [{ Team: 'x', team: 'y' }, /roles take names that differ in capitals for one tag/],
    [Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`t${index}`, 'x'])), /AWS takes 48 tags beside ours/],
  ] as const)
    assert.match(said(tags), sentence);
  assert.equal(said(Object.fromEntries(Array.from({ length: 48 }, (_, index) => [`t${index}`, '']))), '');
});

test('aws settings: a key is written by its own ARN, since logs take no alias', () => {
  assert.match(
    problemsOf({ kms_key: 'arn:aws:kms:eu-west-1:123456789012:alias/probes' }).join('\n'),
    /^aws\.kms_key: write the ARN of the key itself, arn:aws:kms:REGION:ACCOUNT:key\/ID; logs take no alias/,
  );
});

test('aws settings: a key of one region is refused for a vantage in another, and a multi-region key is not', () => {
  const two = { 'eu-west-1': own, virginia: { kind: 'lambda', region: 'us-east-1' } };
  assert.deepEqual(problemsOf({ kms_key: plainKey }, two), [
    'aws.kms_key: a key of eu-west-1 encrypts nothing in us-east-1, where the vantage virginia is; write a multi-region key, whose id begins with mrk-, and have a replica in each region',
  ]);
  assert.deepEqual(problemsOf({ kms_key: plainKey }), []);
  assert.deepEqual(problemsOf({ kms_key: regionalKey }, two), []);
});

test("aws settings: the key of a bucket is of the bucket's region", () => {
  const list = { bucket: 'lists', region: 'eu-central-1' };
  assert.deepEqual(problemsOf({ list: { ...list, kms_key: plainKey } }), [
    'aws.list.kms_key: a key of eu-west-1 encrypts nothing in eu-central-1, where the bucket is; write one of that region',
  ]);
  assert.deepEqual(problemsOf({ list: { ...list, region: 'eu-west-1', kms_key: plainKey } }), []);
});

test('vantages: two in one region whose stacks would have one name are refused, naming both', () => {
  const at = (region: string) => ({ kind: 'lambda', region });
  const said = (first: string, second: string, other = 'eu-west-1') =>
    problemsOf({}, { [first]: at('eu-west-1'), [second]: at(other) });
  for (const [first, second] of [
    ['a.b', 'a-b'],
    ['a_b', 'a.b'],
    ['Edge', 'edge'],
  ] as const) {
    const [problem = 'nothing', ...more] = said(first, second);
    assert.deepEqual(more, []);
    assert.match(problem, new RegExp(`: ${first} and ${second} would be one stack in eu-west-1, .*; rename one`));
  }
  assert.deepEqual(said('a.b', 'a-b', 'us-east-1'), []);
  assert.deepEqual(said('a-b', 'ab'), []);
  assert.deepEqual(problemsOf({}, { 'a.b': { kind: 'agent' }, 'a-b': { kind: 'agent' } }), []);
});
