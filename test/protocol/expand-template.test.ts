// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these templates are not JavaScript's
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandTemplate } from '../../src/protocol/expand-template.ts';

const groups = { byNumber: ['whole', 'one', 'two'], byName: { who: 'me', größe: 'L' } };
const expand = (template: string) => expandTemplate(template, groups);

test('expand-template: captures stand by number and by name, with braces and without', () => {
  assert.equal(expand('$0 $1 ${2} $who ${who} $größe'), 'whole one two me me L');
});

test('expand-template: without braces the name is as long as it can be', () => {
  assert.equal(expand('$1x|${1}x|$1_|$1-'), '|onex||one-');
});

test('expand-template: what is not there is empty, and a leading zero makes a name', () => {
  assert.equal(expand('[$9][${nobody}][$01][$constructor]'), '[][][][]');
});

test('expand-template: two dollars are one, and a dollar before anything else stays', () => {
  assert.equal(expand('$$1 $ ${ ${a-b} $-'), '$1 $ ${ ${a-b} $-');
});

test('expand-template: a text without a dollar is itself', () => {
  const text = fc.string().filter((one) => !one.includes('$'));
  fc.assert(fc.property(text, (one) => assert.equal(expand(one), one)));
});
