import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noEngine, type ProbeOutcome } from '../../../src/net/icmp/engine.ts';
import { type PathSharing, shareHops } from '../../../src/net/icmp/shared-hops.ts';

// Packets are answered by functions here, so that each case is exact; test/lab has the routers.

const hop = (from: string): ProbeOutcome => ({ kind: 'hop', from, rtt: 0.001, clock: 'kernel', hopLimit: 60 });
const silence: ProbeOutcome = { kind: 'timeout' };
const dayMs = 86_400_000;

type Path = PathSharing & { readonly sent: () => number };

const pathsOf = (
  answers: readonly (() => ProbeOutcome)[],
  intervalMs = dayMs,
  groups: readonly string[] = [],
): Path[] => {
  const engine = noEngine('only a key');
  return answers.map((answer, index) => {
    let sent = 0;
    const send = async () => {
      sent += 1;
      return answer();
    };
    const sleep = async () => {};
    const sharing = shareHops(engine, {
      group: groups[index] ?? 'icmp',
      target: `target ${index}`,
      intervalMs,
      sleep,
      send,
    });
    return { ...sharing, sent: () => sent };
  });
};

const askAll = (paths: readonly Path[], before: string | undefined = '') =>
  Promise.all(paths.map(async (path) => path.ask(1, before)));

test('shared-hops: one packet counts for all paths that the router has answered', async () => {
  const paths = pathsOf([() => hop('a'), () => hop('a'), () => hop('a')]);
  for (const path of paths) path.learn(1, '', hop('a'));
  assert.deepEqual(await askAll(paths), [hop('a'), hop('a'), hop('a')]);
  assert.deepEqual(
    paths.map(({ sent }) => sent()),
    [1, 0, 0],
  );
});

test('shared-hops: a path gets no packet twice, and the turn goes round', async () => {
  const paths = pathsOf([() => hop('a'), () => hop('a'), () => hop('a')]);
  for (const path of paths) path.learn(1, '', hop('a'));
  for (let round = 0; round < 6; round += 1) await askAll(paths);
  assert.deepEqual(
    paths.map(({ sent }) => sent()),
    [2, 2, 2],
  );
});

test('shared-hops: a silence of a path whose router is known is one for all', async () => {
  const paths = pathsOf([() => silence, () => silence]);
  for (const path of paths) path.learn(1, '', hop('a'));
  assert.deepEqual(await askAll(paths), [silence, silence]);
});

test('shared-hops: another router at the place of one path counts for that path alone', async () => {
  const paths = pathsOf([() => hop('b'), () => hop('a')]);
  const [first, second] = paths;
  assert.ok(first !== undefined && second !== undefined);
  for (const path of paths) path.learn(1, '', hop('a'));
  assert.deepEqual(await askAll(paths), [hop('b'), undefined]);
  // Two routers at one place: the path asks for itself, in its next run too.
  assert.deepEqual([first.router(1), second.router(1)], [undefined, 'a']);
  assert.equal(first.ask(1, ''), undefined);
  assert.deepEqual(await second.ask(1, ''), hop('a'));
});

test('shared-hops: paths of different groups, and a hop that no path knows, are asked by each path itself', () => {
  const [icmp, udp] = pathsOf([() => hop('a'), () => hop('a')], dayMs, ['icmp', 'udp']);
  icmp?.learn(1, '', hop('a'));
  assert.equal(udp?.ask(1, ''), undefined);
  assert.equal(icmp?.ask(2, 'a'), undefined);
});

test('shared-hops: a path without an answer of its own takes part behind the same hop, and its silence counts for none', async () => {
  let isAnswered = false;
  const paths = pathsOf([() => hop('b'), () => (isAnswered ? hop('b') : silence)]);
  const [known, late] = paths;
  assert.ok(known !== undefined && late !== undefined);
  known.learn(2, 'a', hop('b'));
  assert.equal(late.ask(2, 'x'), undefined, 'another hop before');
  assert.equal(late.ask(2, undefined), undefined, 'an unknown hop before');
  const both = () => Promise.all([known.ask(2, 'a'), late.ask(2, 'a')]);
  assert.deepEqual(await both(), [hop('b'), hop('b')]);
  // The turn of the late one: nothing is proven.
  assert.deepEqual(await both(), [undefined, undefined]);
  isAnswered = true;
  await both();
  await both();
  assert.deepEqual([late.sent() > 1, late.router(2)], [true, 'b']);
  assert.deepEqual(await both(), [hop('b'), hop('b')]);
});

test('shared-hops: a path whose turns stay silent leaves the router that answers all others', async () => {
  const paths = pathsOf([() => hop('a'), () => silence]);
  const [, silent] = paths;
  assert.ok(silent !== undefined);
  for (const path of paths) path.learn(1, '', hop('a'));
  for (let round = 0; round < 40 && silent.router(1) !== undefined; round += 1) await askAll(paths);
  assert.equal(silent.router(1), undefined);
});

test('shared-hops: where two routers follow the same hop, none is assumed', () => {
  const [one, two, three] = pathsOf([() => hop('b'), () => hop('c'), () => silence]);
  one?.learn(2, 'a', hop('b'));
  two?.learn(2, 'a', hop('c'));
  assert.equal(three?.ask(2, 'a'), undefined);
});

test('shared-hops: a router is asked again after the interval, never before', async () => {
  const times: number[] = [];
  const engine = noEngine('only a key');
  const sleep = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1_000));
  const send = async () => {
    times.push(performance.now());
    return hop('a');
  };
  const path = shareHops(engine, { group: 'icmp', target: 't', intervalMs: 30, sleep, send });
  path.learn(1, '', hop('a'));
  await Promise.all([path.ask(1, ''), path.ask(1, ''), path.ask(1, '')]);
  for (const [index, time] of times.entries()) if (index > 0) assert.ok(time - (times[index - 1] ?? 0) >= 30);
  assert.equal(times.length, 3);
});

test('shared-hops: while a path is found, a packet of a moment ago is enough where its router is known', async () => {
  const engine = noEngine('only a key');
  const parts = { group: 'icmp', intervalMs: dayMs, sleep: async () => {}, send: async () => hop('a') };
  const first = shareHops(engine, { ...parts, target: 'first' });
  const earlier = shareHops(engine, { ...parts, target: 'second' });
  first.learn(1, '', hop('a'));
  earlier.learn(1, '', hop('a'));
  earlier.leave();
  const next = shareHops(engine, { ...parts, target: 'second' });
  assert.equal(next.recall(1), undefined, 'nothing was sent yet');
  await first.ask(1, '');
  assert.deepEqual(await next.recall(1), hop('a'));
  const stranger = shareHops(engine, { ...parts, target: 'third' });
  assert.equal(stranger.recall(1), undefined);
});

test('shared-hops: after all paths have left, nothing is shared', async () => {
  const paths = pathsOf([() => hop('a'), () => hop('a')]);
  for (const path of paths) path.learn(1, '', hop('a'));
  for (const path of paths) path.leave();
  const [path] = pathsOf([() => hop('a')]);
  assert.equal(path?.ask(1, ''), undefined);
});
