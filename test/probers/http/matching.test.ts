import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kit as makeKit } from '../../../src/net/kit.ts';
import { matcher } from '../../../src/net/matcher.ts';
import { answer, httpServer } from '../../servers/http.ts';
import { type Given, probeHttp } from './probe.ts';

// Pages that are too large to be matched between other probes give the same verdicts as small ones.

const filler = 'ok or not '.repeat(20_000);

test('http matching: rules of the body mean the same for small and for large pages', async () => {
  const cases: readonly [Given, readonly string[]][] = [
    [{ fail_if_body_not_matches_regexp: ['ready [0-9]+$'] }, []],
    [{ fail_if_body_not_matches_regexp: ['ready', 'never [0-9]'] }, ['check body_mismatch']],
    [{ fail_if_body_matches_regexp: ['never [0-9]', 'no.thing'] }, []],
    [{ fail_if_body_matches_regexp: ['never', 'ready [0-9]+$'] }, ['check body_mismatch']],
  ];
  for (const before of ['', filler]) {
    await using kit = makeKit();
    await using server = await httpServer(() => answer(200, {}, `${before}ready 123`));
    for (const [given, expected] of cases) {
      const { failures, points, detail } = await probeHttp(server.url, given, { kit, timeoutMs: 20_000 });
      assert.deepEqual(failures, expected, JSON.stringify(given));
      assert.equal(points.get('probe_failed_due_to_regex'), expected.length);
      if (expected.length > 0) assert.match(detail, /^the body (?:matches|does not match) (?:ready \[|never \[)/);
    }
    // A busy machine may make a thread lose its slice; then there is a second one.
    assert.equal(kit.own('matcher', matcher).threads() > 0, before !== '');
  }
});

test('http matching: a body that is not UTF-8 is searched in a thread as well', async () => {
  const page = Buffer.concat([Buffer.alloc(300_000, 0xff), Buffer.from('r\u00e9ady 1')]);
  await using server = await httpServer(() => answer(200, {}, page));
  const given: Given = { fail_if_body_not_matches_regexp: ['r\u00e9ady [0-9]'] };
  assert.deepEqual((await probeHttp(server.url, given, { timeoutMs: 20_000 })).failures, []);
});

test('http matching: headers without end of values are matched in a thread, and their rules mean the same', async () => {
  const values = Array.from({ length: 4_000 }, (_, index) => `word${index} or not`);
  await using server = await httpServer(() => answer(200, { 'X-Words': values }));
  for (const [regexp, expected] of [
    ['word3999 .{0,40}not$', []],
    ['word4000 .{0,40}not$', ['check header_mismatch']],
  ] as const) {
    const rule = { header: 'x-words', regexp };
    const given: Given = { fail_if_header_not_matches: [rule] };
    assert.deepEqual((await probeHttp(server.url, given, { timeoutMs: 20_000 })).failures, expected);
  }
});

test('http matching: body_match_limit searches the start of a body, and all of it is read and counted', async () => {
  await using server = await httpServer(() => answer(200, {}, `start ${'x'.repeat(200_000)} end`));
  for (const [expression, expected] of [
    ['start', []],
    ['end', ['check body_mismatch']],
  ] as const) {
    const given: Given = { body_match_limit: '64KB', fail_if_body_not_matches_regexp: [expression] };
    const { failures, points } = await probeHttp(server.url, given);
    assert.deepEqual(failures, expected);
    assert.equal(points.get('probe_http_uncompressed_body_length'), 200_010);
  }
  const given: Given = { body_match_limit: '1KB', body_size_limit: '2KB', fail_if_body_not_matches_regexp: ['start'] };
  assert.deepEqual((await probeHttp(server.url, given)).failures, ['transfer body_too_large']);
});
