import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { bcryptThread } from '../../src/agent/bcrypt-thread.ts';
import { admitting } from '../../src/agent/credentials.ts';
import { passwordCheck } from '../../src/agent/password-check.ts';

const cheap = hashSync('good', 4);

/** A comparison that is counted, and ends when it is let. */
const counting = () => {
  const compared: string[] = [];
  return {
    compared,
    compare: async (password: string) => {
      compared.push(password);
      return password === 'good';
    },
  };
};

test('passwords: a pair of user and password is compared once, good or wrong', async () => {
  const { compared, compare } = counting();
  const check = passwordCheck(new Map([['ops', cheap]]), compare);
  const verdicts = async (user: string, password: string) =>
    Promise.all(Array.from({ length: 20 }, () => check(user, password, '10.0.0.1')));
  assert.deepEqual(new Set(await verdicts('ops', 'good')), new Set(['admitted']));
  assert.deepEqual(new Set(await verdicts('ops', 'bad')), new Set(['refused']));
  assert.deepEqual(new Set(await verdicts('nobody', 'good')), new Set(['refused']));
  assert.deepEqual(compared, ['good', 'bad', 'good']);
  assert.deepEqual(new Set(await verdicts('ops', 'good')), new Set(['admitted']));
  assert.equal(compared.length, 3);
});

test('passwords: of many wrong ones at once few are compared, and one that was good before is admitted meanwhile', async () => {
  const { compared, compare } = counting();
  const check = passwordCheck(new Map([['ops', cheap]]), compare);
  assert.equal(await check('ops', 'good', '10.0.0.1'), 'admitted');
  const wrong = Array.from({ length: 1_000 }, (_, number) => check('ops', `bad-${number}`, '10.0.0.2'));
  assert.equal(await check('ops', 'good', '10.0.0.3'), 'admitted');
  const verdicts = await Promise.all(wrong);
  assert.equal(verdicts.filter((verdict) => verdict === 'refused').length, 4);
  assert.equal(verdicts.filter((verdict) => verdict === 'busy').length, 996);
  assert.equal(compared.length, 5);
  const spread = await Promise.all(
    Array.from({ length: 100 }, (_, number) => check('ops', `worse-${number}`, `10.0.1.${number}`)),
  );
  assert.equal(spread.filter((verdict) => verdict === 'refused').length, 16);
});

test('passwords: one that could not be compared may be tried again, one that is very long is wrong', async () => {
  let tries = 0;
  const check = passwordCheck(new Map([['ops', cheap]]), async () => {
    tries += 1;
    if (tries === 1) throw new Error('no thread');
    return true;
  });
  assert.equal(await check('ops', 'good', ''), 'busy');
  assert.equal(await check('ops', 'good', ''), 'admitted');
  assert.equal(await check('ops', 'x'.repeat(100_000), ''), 'refused');
  assert.equal(tries, 2);
});

test('passwords: hashes of htpasswd are compared on a thread, and the event loop runs on', async () => {
  const costly = hashSync('good', 12).replace('$2b$', '$2y$');
  const compare = bcryptThread();
  // The start of the thread is not what is measured.
  assert.equal(await compare('good', cheap), true);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = performance.eventLoopUtilization();
  delay.enable();
  const start = performance.now();
  assert.deepEqual(await Promise.all([compare('good', costly), compare('bad', costly)]), [true, false]);
  const elapsed = performance.now() - start;
  const { active } = performance.eventLoopUtilization(before);
  delay.disable();
  assert.ok(active < elapsed / 2, `the loop was busy for ${active} of ${elapsed} ms`);
});

test('credentials: users, a user in plain text and a token admit beside each other; the scheme is in any case', async () => {
  const basic = (text: string) => Buffer.from(text).toString('base64');
  const admits = admitting([`Basic ${basic('plain:text')}`, 'Bearer token'], new Map([['ops', cheap]]), bcryptThread());
  for (const [authorization, verdict] of [
    [`Basic ${basic('ops:good')}`, 'admitted'],
    [`basic  ${basic('ops:good')}`, 'admitted'],
    [`Basic ${basic('plain:text')}`, 'admitted'],
    ['bearer token', 'admitted'],
    [`Basic ${basic('ops:text')}`, 'refused'],
    [`Basic ${basic('ops')}`, 'refused'],
    [`Basic ${basic('__proto__:good')}`, 'refused'],
    [`Bearer ${basic('ops:good')}`, 'refused'],
    ['Basic', 'refused'],
    ['token', 'refused'],
    ['', 'refused'],
    [undefined, 'refused'],
  ] as const)
    assert.equal(await admits(authorization, ''), verdict, authorization);
});
