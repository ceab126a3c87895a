import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import type { ProberTable } from '../../src/config/schema.ts';
import { probeDoor } from '../../src/lambda/probe-door.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { evenShards } from '../../src/run/shard.ts';
import { httpServer } from '../servers/http.ts';
import { type Behaviour, receiver } from '../servers/receiver.ts';
import { tcpServer } from '../servers/tcp.ts';

const clock = marks();
const vpc = { subnet_ids: ['subnet-1'], security_group_ids: ['sg-1'] };
const lambda = { kind: 'lambda', private: 'allow', vpc };

/** A list for two regions, as a function has it. */
const packed = (targets: readonly object[], url: string, secret?: string) => {
  const loaded = loadValue(
    {
      version: 1,
      external_labels: { env: 'test' },
      vantages: { 'eu-west-1': lambda, 'us-east-1': lambda },
      remote_write: [
        {
          url,
          queue_config: { min_backoff: '50ms', max_backoff: '100ms' },
          ...(secret === undefined ? {} : { authorization: { credentials: secret } }),
        },
      ],
      defaults: { outside: { timeout: '500ms' } },
      targets: targets.map((target) => ({ side: 'outside', ...target })),
    },
    { probers },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const read = readPacked(
    packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: loaded.list.external_labels }),
  );
  if (!read.ok) throw new Error(read.why);
  return read.packed;
};

const slotOf = (now = Date.now()) => Math.floor(now / 60_000) * 60_000;
const timeLeft = (ms: number, id = 'request-1') => {
  const end = Date.now() + ms;
  return { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: id };
};
const eventAt = (slot: number, rest: object = {}) => ({ shard: 0, of: 1, slot: new Date(slot).toISOString(), ...rest });

/** A door in eu-west-1 on real servers, what it said and what came to the receiver. */
const world = async (
  behave?: Behaviour,
  options: { targets?: readonly object[]; url?: string; secret?: string } = {},
) => {
  const stack = new AsyncDisposableStack();
  const web = stack.use(await httpServer());
  const sink = stack.use(await receiver(behave));
  const lines: string[] = [];
  const unprobed: (number | undefined)[] = [];
  const targets = options.targets ?? [
    { name: 'shop', target: web.url },
    { name: 'blog', target: `${web.url}/blog` },
  ];
  const door = stack.use(
    probeDoor({
      packed: packed(targets, options.url ?? sink.url, options.secret),
      vantage: 'eu-west-1',
      probers,
      environment: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' },
      clock,
      log: ({ level, msg, unprobed: count }) => {
        lines.push(`${level} ${msg}`);
        unprobed.push(count);
      },
    }),
  );
  const series = (name: string) =>
    sink.pushes.flatMap((one) => one.series).filter(({ labels }) => labels.__name__ === name);
  return { door, web, sink, lines, unprobed, series, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
};

test('probe door: what is due is probed and delivered, with the list and a heartbeat', async () => {
  await using there = await world();
  const slot = slotOf();
  const summary = await there.door.handle(eventAt(slot), timeLeft(10_000));
  const { ms, doubtful, list, ...rest } = summary;
  assert.match(list, /^[0-9a-f]{12}$/);
  assert.ok(ms > 0 && doubtful >= 0);
  assert.deepEqual(rest, {
    vantage: 'eu-west-1',
    shard: '0/1',
    slot: new Date(slot).toISOString(),
    assigned: 2,
    started: 2,
    good: 2,
    failed: 0,
    void: 0,
    escaped: 0,
    samples: rest.samples,
    delivered: rest.samples,
    undelivered: 0,
    coldStart: true,
  });
  assert.deepEqual(
    there
      .series('probe_success')
      .map(({ labels, value }) => [labels.name, labels.env, value])
      .sort(),
    [
      ['blog', 'test', 1],
      ['shop', 'test', 1],
    ],
  );
  assert.equal(there.series('bothways_target_info').length, 2);
  const [beat] = there.series('bothways_heartbeat_checks_finished');
  assert.deepEqual([beat?.value, beat?.labels.shard], [2, '0/1']);
  assert.ok((beat?.at ?? 0) >= slot && (beat?.at ?? 0) <= Date.now(), 'the time of the run');
  const said = (name: string) => there.series(name).map(({ labels, value }) => [labels.hash ?? labels.shard, value]);
  assert.deepEqual(said('bothways_run_attempt'), [['0/1', 1]]);
  assert.deepEqual(said('bothways_run_cold_start'), [['0/1', 1]]);
  assert.deepEqual(said('bothways_run_doubtful_checks'), [['0/1', doubtful]]);
  assert.deepEqual(said('bothways_list_info'), [[list, 1]]);
  const share = there.series('bothways_run_cpu_share_ratio')[0]?.value ?? 0;
  assert.ok(share > 0 && share <= 512 / 1_769);
  const used = there.series('bothways_run_time_used_ratio')[0]?.value ?? 0;
  assert.ok(used > 0 && used < 1);
  const doubts = there.series('bothways_timing_doubt_seconds').map(({ value }) => value);
  assert.deepEqual(said('bothways_run_doubt_max_seconds'), [['0/1', Math.max(...doubts)]]);
  assert.deepEqual(there.lines, []);
});

test('probe door: only the first invocation of an environment is a cold start', async () => {
  await using there = await world();
  const cold = async (id: string) => (await there.door.handle(eventAt(slotOf(), { id }), timeLeft(10_000))).coldStart;
  assert.deepEqual([await cold('a'), await cold('b')], [true, false]);
});

test('probe door: a run tells how much of its time the run before took, with what delivery took', async () => {
  await using there = await world((_push, response) => {
    setTimeout(() => response.writeHead(204).end(), 300);
    return undefined;
  });
  for (const id of ['a', 'b']) await there.door.handle(eventAt(slotOf(), { id }), timeLeft(10_000));
  const [probing] = there.series('bothways_run_time_used_ratio');
  const before = there.series('bothways_run_previous_time_used_ratio');
  assert.equal(before.length, 1);
  assert.ok((before[0]?.value ?? 0) > (probing?.value ?? 1) && (before[0]?.value ?? 0) >= 0.03);
});

test('probe door: the same execution twice probes once', async () => {
  await using there = await world();
  await there.door.handle(eventAt(slotOf(), { id: 'twice' }), timeLeft(10_000));
  const again = await there.door.handle(eventAt(slotOf(), { id: 'twice' }), timeLeft(10_000));
  assert.deepEqual([again.skipped, again.started], ['duplicate', 0]);
  assert.deepEqual(there.unprobed, [undefined], 'all was probed, so there is no alarm');
  assert.equal(there.web.requests.length, 2);
});

test('probe door: a slot that is long over, or still to come, is left alone', async () => {
  await using there = await world();
  const late = await there.door.handle(eventAt(Date.now() - 600_000), timeLeft(10_000, 'a'));
  const early = await there.door.handle(eventAt(Date.now() + 600_000), timeLeft(10_000, 'b'));
  assert.deepEqual([late.skipped, early.skipped], ['late', 'early']);
  assert.deepEqual(there.unprobed, [2, 2], 'the alarm counts checks');
  assert.equal(there.web.requests.length, 0);
  assert.match(there.lines[0] ?? '', /^warn nothing probed: late/);
});

test('probe door: with 300 ms left nothing is begun that could not end', async () => {
  await using there = await world();
  const summary = await there.door.handle(eventAt(slotOf()), timeLeft(300));
  assert.deepEqual([summary.skipped, summary.started], ['no time', 0]);
  // Not having had the time is no reason not to do it when it is sent again.
  assert.equal((await there.door.handle(eventAt(slotOf()), timeLeft(10_000))).started, 2);
});

test('probe door: checks whose time limit no longer fits are not started, and said', async () => {
  await using silent = await tcpServer();
  const targets = Array.from({ length: 30 }, (_, index) => ({
    name: `t${index}`,
    target: `http://127.0.0.1:${silent.port}/${index}`,
  }));
  await using there = await world(undefined, { targets });
  const before = Date.now();
  const summary = await there.door.handle(eventAt(slotOf()), timeLeft(1_100));
  assert.ok(Date.now() - before < 1_100, 'it took longer than it had');
  assert.ok(summary.started < 30, `${summary.started} started`);
  assert.equal(summary.assigned, 30);
  assert.ok(there.unprobed.includes(30 - summary.started));
  assert.match(there.lines.join('\n'), /of 30 checks not started: no time left/);
  const [skipped] = there.series('bothways_heartbeat_checks_skipped');
  assert.equal(skipped?.value, 30 - summary.good - summary.failed);
});

test('probe door: a time limit that no run holds leaves out that check alone, and is said once', async () => {
  await using web = await httpServer();
  const targets = ['a', 'b', 'slow', 'c', 'd'].map((name) => ({
    name,
    target: `${web.url}/${name}`,
    ...(name === 'slow' ? { timeout: '20s' } : {}),
  }));
  await using there = await world(undefined, { targets });
  for (const id of ['first', 'second']) {
    const summary = await there.door.handle(eventAt(slotOf(), { id }), timeLeft(10_000));
    assert.deepEqual([summary.assigned, summary.started, summary.good], [5, 4, 4]);
  }
  const left = 'warn 1 of 5 checks not started: no time left';
  const named = 'warn not started, with a longer time limit than a run has: slow@eu-west-1 (20s)';
  assert.deepEqual(there.lines, [named, left, left]);
});

test('probe door: a receiver that is down costs the samples of the run, in time, counted and said', async () => {
  await using there = await world(undefined, { url: 'http://127.0.0.1:1/api/v1/write' });
  const before = Date.now();
  const summary = await there.door.handle(eventAt(slotOf()), timeLeft(2_000));
  assert.ok(Date.now() - before < 2_000);
  assert.equal(summary.delivered, 0);
  assert.equal(summary.undelivered, summary.samples);
  assert.match(there.lines[0] ?? '', /^error \d+ samples not delivered to .*ECONNREFUSED/);
});

test('probe door: a receiver that is away for a moment gets everything', async () => {
  await using there = await world((_push, _response, count) => (count < 3 ? 503 : 204));
  const summary = await there.door.handle(eventAt(slotOf()), timeLeft(10_000));
  assert.deepEqual([summary.delivered, summary.undelivered], [summary.samples, 0]);
});

test('probe door: a failing target is a sample, not a failure of the function', async () => {
  const targets = [{ name: 'gone', target: 'http://127.0.0.1:1/' }];
  await using there = await world(undefined, { targets });
  const summary = await there.door.handle(eventAt(slotOf()), timeLeft(10_000));
  assert.deepEqual([summary.good, summary.failed], [0, 1]);
  assert.equal(there.series('probe_failure_info')[0]?.labels.reason, 'connect_refused');
});

test('probe door: shards share the checks evenly, and an empty one still says that it is there', async () => {
  await using web = await httpServer();
  const targets = Array.from({ length: 9 }, (_, index) => ({ name: `t${index}`, target: `${web.url}/${index}` }));
  await using there = await world(undefined, { targets });
  const own = packed(targets, 'http://127.0.0.1:1').checks.filter(({ vantage }) => vantage.name === 'eu-west-1');
  for (const index of [0, 1, 2]) {
    const summary = await there.door.handle(
      eventAt(slotOf(), { shard: index, of: 3, id: `s${index}` }),
      timeLeft(10_000),
    );
    assert.equal(summary.started, evenShards(own, 3)[index]?.length);
  }
  assert.equal(there.series('probe_success').length, 9);
  const empty = evenShards(own, 200).findIndex((shard) => shard.length === 0);
  const summary = await there.door.handle(eventAt(slotOf(), { shard: empty, of: 200, id: 'empty' }), timeLeft(10_000));
  assert.deepEqual([summary.assigned, summary.started, summary.samples > 0], [0, 0, true]);
});

test('probe door: shards of one slot, and an execution that comes twice, say nothing twice at one time', async () => {
  await using there = await world();
  await using twin = await world(undefined, { url: there.sink.url });
  const slot = slotOf();
  for (const door of [there.door, twin.door])
    for (const shard of [0, 1]) await door.handle(eventAt(slot, { shard, of: 2 }), timeLeft(10_000, `${shard}`));
  const seen = new Map<string, number>();
  for (const { labels, at } of there.sink.pushes.flatMap(({ series }) => series)) {
    const series = JSON.stringify(labels);
    assert.ok(at > (seen.get(series) ?? 0), `${series} goes back, or comes twice at one time`);
    seen.set(series, at);
  }
  assert.deepEqual([...new Set(there.series('bothways_list_info').map(({ labels }) => labels.shard))], ['0/2', '1/2']);
});

test('probe door: checks with a longer interval are due in one window of several', async () => {
  await using web = await httpServer();
  const targets = [{ name: 'rare', target: web.url, interval: '5m' }];
  await using there = await world(undefined, { targets });
  // The slots lie in the past, so each is as wide as five minutes for the age, and begins where one ended.
  let started = 0;
  const first = Math.floor(Date.now() / 300_000) * 300_000;
  for (let minute = 0; minute < 5; minute += 1) {
    const event = eventAt(first + minute * 60_000, { id: `m${minute}` });
    const at = first + minute * 60_000;
    const door = probeDoor({
      packed: packed(targets, there.sink.url),
      vantage: 'eu-west-1',
      probers,
      environment: {},
      clock,
      log: () => {},
      now: () => at,
    });
    started += (await door.handle(event, timeLeft(10_000))).started;
    await door[Symbol.asyncDispose]();
  }
  assert.equal(started, 1);
});

test('probe door: an event of a wrong shape rejects, an unknown vantage throws, each with one sentence', async () => {
  await using there = await world();
  await assert.rejects(there.door.handle({ shard: 5 }, timeLeft(10_000)), { message: /^shard: write/ });
  const parts = { packed: packed([], 'http://127.0.0.1:1'), probers, environment: {}, clock, log: () => {} };
  assert.throws(() => probeDoor({ ...parts, vantage: 'mars' }), {
    message: 'the list has no vantage mars; it has eu-west-1, us-east-1',
  });
});

test('probe door: no secret is in what it says or answers', async () => {
  await using there = await world(() => 401, { secret: 'canary-token' });
  const summary = await there.door.handle(eventAt(slotOf()), timeLeft(2_000));
  assert.ok(summary.undelivered > 0);
  assert.equal(there.sink.pushes[0]?.headers.authorization, 'Bearer canary-token');
  assert.doesNotMatch(JSON.stringify([summary, there.lines]), /canary/);
});

test('probe door: an error that escapes ends its check alone; the others are delivered, and the run says so', async () => {
  const sink = await receiver();
  await using web = await httpServer();
  let probed = 0;
  const table: ProberTable = probers;
  const { http } = table;
  assert.ok(http !== undefined);
  const throwing: typeof http = {
    ...http,
    probe: (address, settings, context) => {
      probed += 1;
      if (probed > 1) return http.probe(address, settings, context);
      setImmediate(() => {
        throw new Error('canary-password');
      });
      return new Promise(() => {});
    },
  };
  const lines: string[] = [];
  const targets = ['shop', 'blog', 'docs'].map((name) => ({ name, target: `${web.url}/${name}` }));
  await using door = probeDoor({
    packed: packed(targets, sink.url),
    vantage: 'eu-west-1',
    probers: { ...table, http: throwing },
    environment: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' },
    clock,
    log: ({ level, msg }) => void lines.push(`${level} ${msg}`),
  });
  const summary = await door.handle(eventAt(slotOf()), timeLeft(20_000));
  const series = (name: string) =>
    sink.pushes.flatMap((one) => one.series).filter(({ labels }) => labels.__name__ === name);
  assert.deepEqual([summary.good, summary.failed, summary.escaped, summary.undelivered], [2, 1, 1, 0]);
  assert.deepEqual(
    series('bothways_run_escaped_errors').map(({ value }) => value),
    [1],
  );
  assert.deepEqual(
    series('probe_failure_info').map(({ labels }) => labels.reason),
    ['unexpected'],
  );
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? '',
    /^error (?:shop|blog|docs) \(http.*\): an error escaped: Error at probe-door\.test\.ts:\d+; please report it$/,
  );
  await sink[Symbol.asyncDispose]();
});
