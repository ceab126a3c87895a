import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matcher } from '../../src/net/matcher.ts';
import type { LaneOptions } from '../../src/net/matcher-lanes.ts';
import { usage } from '../../src/net/matcher-usage.ts';

const never = new AbortController().signal;

/** Bytes of an alphabet at random, after a start that makes every expression below begin to search. */
const noise = (bytes: number, alphabet: string, start: string): Uint8Array => {
  const made = new Uint8Array(new SharedArrayBuffer(bytes));
  for (let at = 0; at < bytes; at += 1) made[at] = alphabet.charCodeAt(Math.floor(Math.random() * alphabet.length));
  made.set(Buffer.from(start));
  return made;
};

/** Minutes of work: RE2 has no states for it, so it follows a thousand threads for each byte. */
const endless = { expressions: ['1[01]{1000}2'], inputs: [noise(10_000_000, '01', '2')], wanted: true };

/** Some work, more than is done at once, that matches at its end. */
const some = (text: string) => {
  const input = noise(60_000, 'ab ', 'ready');
  input.set(Buffer.from(text), input.length - text.length);
  return { expressions: ['ok[0-9]{3}'], inputs: [input], wanted: true };
};

const fast: LaneOptions = { sliceMs: 50, slow: 1 };

test('matcher: a page and a line are matched at once, without a thread', async () => {
  await using kept = matcher();
  const inputs = ['the page is ready'];
  const search = (expressions: string[], wanted: boolean) =>
    kept.run('search', { expressions, inputs, wanted }, { key: 'a', signal: never });
  assert.deepEqual(await search(['r.ady', 'page'], true), { ok: true, result: 0 });
  assert.deepEqual(await search(['never', 'page'], true), { ok: true, result: 1 });
  assert.deepEqual(await search(['page', 'ready'], false), { ok: true, result: -1 });
  assert.deepEqual(await search(['page', 'never'], false), { ok: true, result: 1 });
  const input = Buffer.from('220 mx.test ESMTP');
  const captured = await kept.run('capture', { expression: '^220 (\\S+)', input }, { key: 'a', signal: never });
  assert.deepEqual(captured.ok && captured.result?.byNumber, ['220 mx.test', 'mx.test']);
  assert.equal(kept.threads(), 0);
});

test('matcher: more work is done in a thread, which stays for the next', async () => {
  await using kept = matcher();
  for (const [text, expected] of [
    ['ok123', 0],
    ['ok12', -1],
    ['ok999', 0],
  ] as const)
    assert.deepEqual(await kept.run('search', some(text), { key: 'a', signal: never }), { ok: true, result: expected });
  assert.equal(kept.threads(), 1);
});

test('matcher: work that the time limit ends gives reason timeout, which names the expression and the size', async () => {
  await using kept = matcher(fast);
  const matched = await kept.run('search', endless, { key: 'a', signal: AbortSignal.timeout(300) });
  assert.ok(!matched.ok);
  assert.equal(`${matched.failure.phase} ${matched.failure.reason}`, 'check timeout');
  assert.equal(matched.failure.detail, 'matching 1[01]{1000}2 on 10000000 bytes was not done within the time limit');
  const after = await kept.run('search', some('ok123'), { key: 'a', signal: never });
  assert.deepEqual(after, { ok: true, result: 0 }, 'the thread was ended, and the next one works');
  assert.deepEqual(
    await kept.run('search', some('ok123'), { key: 'a', signal: AbortSignal.abort() }).then((one) => one.ok),
    false,
  );
});

test('matcher: work that takes more than a job may gives reason timeout, however long the time limit is', async () => {
  await using kept = matcher({ ...fast, mostMs: 400 });
  const matched = await kept.run('search', endless, { key: 'a', signal: never });
  assert.ok(!matched.ok);
  assert.match(matched.failure.detail, /took more than 400 ms$/);
});

test('matcher: a check whose work does not end keeps none of the others waiting, nor do many of them', async () => {
  await using kept = matcher(fast);
  const over = new AbortController();
  const hostile = Array.from({ length: 5 }, (_, index) =>
    kept.run('search', endless, { key: `hostile ${index}`, signal: over.signal }),
  );
  for (let round = 0; round < 5; round += 1) {
    const matched = await kept.run('search', some('ok123'), { key: 'good', signal: never });
    assert.deepEqual(matched, { ok: true, result: 0 });
  }
  assert.ok(kept.threads() <= 2, `${kept.threads()} threads`);
  over.abort();
  for (const matched of await Promise.all(hostile)) assert.equal(matched.ok, false);
});

test('matcher: work that loses its thread to its slice is done later, whole', async () => {
  await using kept = matcher({ sliceMs: 20, slow: 1 });
  const input = noise(4_000_000, 'ok ', 'ready');
  const work = { expressions: ['ok.{0,20}ready'], inputs: [input], wanted: true };
  const results = await Promise.all(
    [1, 2, 3].map((key) => kept.run('search', work, { key: `${key}`, signal: AbortSignal.timeout(60_000) })),
  );
  for (const matched of results) assert.deepEqual(matched, { ok: true, result: -1 });
});

test('matcher: small work without end goes to a thread as well, and other work has its turn in between', async () => {
  await using kept = matcher();
  const signal = new AbortController().signal;
  const line = { expression: '(a|b|ab|ba)*c', input: Buffer.from('ab'.repeat(400)) };
  for (let lines = 0; lines < 2_000 && kept.threads() === 0; lines += 1)
    await kept.run('capture', line, { key: 'a', signal });
  assert.equal(kept.threads(), 1);
});

test('matcher: an idle thread ends, and a new one starts with the next work', async () => {
  await using kept = matcher({ idleMs: 1 });
  await kept.run('search', some('ok123'), { key: 'a', signal: never });
  while (kept.threads() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(await kept.run('search', some('ok123'), { key: 'a', signal: never }), { ok: true, result: 0 });
});

test('matcher: an expression that leads to as many states as there are bytes takes bounded memory', async () => {
  await using kept = matcher();
  const inputs = [noise(300_000, '01', '2')];
  const before = process.memoryUsage.rss();
  for (let size = 20; size < 40; size += 1) {
    const work = { expressions: [`1[01]{${size}}2`], inputs, wanted: true };
    assert.deepEqual(await kept.run('search', work, { key: 'a', signal: never }), { ok: true, result: -1 });
  }
  assert.ok(process.memoryUsage.rss() - before < 150_000_000);
});

test('matcher: disposing ends all threads and the work that waits', async () => {
  const kept = matcher(fast);
  const work = [1, 2, 3].map((key) => kept.run('search', endless, { key: `${key}`, signal: never }));
  await kept[Symbol.asyncDispose]();
  assert.deepEqual(
    (await Promise.all(work)).map(({ ok }) => ok),
    [false, false, false],
  );
  assert.equal(kept.threads(), 0);
});

test('matcher: what a check has used counts for half a minute later, and the oldest are forgotten', () => {
  let now = 0;
  const used = usage(() => now);
  used.add('a', 1_000);
  now = 60_000;
  assert.equal(used.of('a'), 500);
  used.add('a', 100);
  assert.equal(used.of('a'), 600);
  for (let index = 0; index < 3_000; index += 1) used.add(`${index}`, 1);
  assert.equal(used.of('a'), 0);
});
