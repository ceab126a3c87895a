import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import http2 from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { destroyOn } from '../../src/net/connect.ts';
import { marks } from '../../src/net/marks.ts';
import type { Context } from '../../src/net/prober.ts';
import { describeThrown } from '../../src/run/describe-thrown.ts';
import { asNoRun, asRun, catchEscapes, type Escaped } from '../../src/run/escapes.ts';
import { execute } from '../../src/run/execute.ts';
import { http2Server } from '../servers/http.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';
import { tlsServer } from '../servers/tls.ts';
import { emptyKit, exampleCheck, exampleProber } from './example.ts';

const clock = marks();
const never = new Promise<never>(() => {});

/** Keeps what escapes; errors of no run are survived. */
const caught = () => {
  const escaped: Escaped[] = [];
  const policy = catchEscapes({ survives: () => true, onEscaped: (one) => escaped.push(one) });
  return { escaped, [Symbol.dispose]: () => policy[Symbol.dispose]() };
};

const boom = (): never => {
  throw Object.assign(new RangeError('canary-password'), { code: 'ERR_BOOM' });
};

/** Where a prober's code may throw with nothing around it to catch. `port` is of a server that sends something at once. */
const places: Record<string, (context: Context, port: number) => unknown> = {
  'in a timer': () => setTimeout(boom, 1),
  'in an immediate': () => setImmediate(boom),
  'in a tick': () => process.nextTick(boom),
  'in a microtask': () => queueMicrotask(boom),
  'in a promise that nothing waits for': () => void Promise.reject(boom).then(boom),
  'in a listener of the signal of a timeout': () => AbortSignal.timeout(1).addEventListener('abort', boom),
  'when a socket connects': ({ signal }, port) => {
    const socket = net.connect(port, '127.0.0.1').once('connect', boom);
    destroyOn(signal, socket);
  },
  'when data comes': ({ signal }, port) => {
    const socket = net.connect(port, '127.0.0.1').once('data', boom);
    destroyOn(signal, socket);
  },
  'when a socket fails without a listener': async () => net.connect(await unusedPort(), '127.0.0.1'),
};

const ends = async (probe: (context: Context) => unknown) => {
  using policy = caught();
  const check = exampleCheck({ timeoutMs: 30_000, name: 'hostile' });
  const prober = exampleProber((context) => {
    context.mark('connected');
    void probe(context);
    return never;
  });
  const run = await execute(check, prober, emptyKit, { clock });
  assert.deepEqual(
    run.outcome.failures.map(({ reason, phase }) => [reason, phase]),
    [['unexpected', 'request']],
  );
  assert.equal(run.outcome.void, undefined);
  // Not by the time limit.
  assert.ok(run.took < 15, `${run.took} s`);
  assert.ok(!JSON.stringify(run).includes('canary'));
  assert.deepEqual(
    policy.escaped.map(({ check: of }) => of),
    [check],
  );
  return { run, escaped: policy.escaped };
};

for (const [place, probe] of Object.entries(places)) {
  test(`escapes: an error ${place} ends its run as unexpected, with its socket`, async () => {
    await using server = await tcpServer({ greeting: 'hello' });
    await ends((context) => probe(context, server.port));
    await server.allClosed();
  });
}

test('escapes: an error in the handshake, in the data and at the end of TLS ends its run', async () => {
  for (const event of ['secureConnect', 'data', 'close']) {
    await using server = await tlsServer({ onSecure: (socket) => socket.end('hello') });
    await ends(({ signal }) => {
      const socket = tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.once(event, boom);
      socket.resume();
      destroyOn(signal, socket);
    });
    await server.allClosed();
  }
});

test('escapes: an error in an answer over HTTP/2 ends its run', async () => {
  await using server = await http2Server((stream) => stream.respond({ ':status': 200 }, { endStream: true }));
  await ends(({ signal }) => {
    const session = http2.connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
    signal.addEventListener('abort', () => session.destroy());
    session.request({ ':path': '/' }).once('response', boom).end();
  });
  await server.allClosed();
});

test('escapes: an error when a datagram comes ends its run', async () => {
  const echo = createSocket('udp4').on('message', (bytes, { port }) => echo.send(bytes, port, '127.0.0.1'));
  await new Promise<void>((resolve) => void echo.bind(0, '127.0.0.1', resolve));
  await ends(({ signal }) => {
    const socket = createSocket('udp4').once('message', boom);
    signal.addEventListener('abort', () => socket.close());
    socket.send('hello', echo.address().port, '127.0.0.1');
  });
  echo.close();
});

test('escapes: class, code and place are reported, the message is not', async () => {
  const { run, escaped } = await ends(() => setImmediate(boom));
  assert.match(escaped[0]?.what ?? '', /^RangeError ERR_BOOM at escapes\.test\.ts:\d+$/);
  assert.match(run.outcome.failures[0]?.detail ?? '', /^an error escaped from the prober: RangeError ERR_BOOM at /);
});

test('escapes: what was thrown is described whatever it is', () => {
  const odd = {
    get name() {
      return boom();
    },
  };
  for (const thrown of ['text', undefined, null, 7, odd, Object.create(null), new Proxy({}, { getPrototypeOf: boom })])
    assert.doesNotThrow(() => describeThrown(thrown));
  assert.equal(describeThrown(Object.setPrototypeOf(new Error('x'), null)), 'a object');
});

test('escapes: runs beside the one whose error escaped end as they would', async () => {
  using policy = caught();
  const good = exampleProber(async (context) => {
    await context.sleep(0.05);
    return { facts: {}, failures: [] };
  });
  const bad = exampleProber(async (context) => {
    setTimeout(boom, 10);
    await context.sleep(30);
    return { facts: { kept: true }, failures: [] };
  });
  const runs = await Promise.all(
    [good, bad, good].map((prober, index) => execute(exampleCheck({ name: `${index}` }), prober, emptyKit, { clock })),
  );
  assert.deepEqual(
    runs.map(({ outcome }) => outcome.failures.map(({ reason }) => reason)),
    [[], ['unexpected'], []],
  );
  assert.deepEqual(runs[1]?.outcome.facts, { kept: true });
  assert.deepEqual(
    policy.escaped.map(({ check }) => check?.target.name),
    ['1'],
  );
});

test('escapes: an error after the end of its run is counted for its check and changes no run', async () => {
  using policy = caught();
  const check = exampleCheck();
  const thrown = Promise.withResolvers<void>();
  const prober = exampleProber(async () => {
    setTimeout(() => {
      thrown.resolve();
      boom();
    }, 20);
    return { facts: {}, failures: [] };
  });
  const run = await execute(check, prober, emptyKit, { clock });
  await thrown.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(run.outcome.failures, []);
  assert.deepEqual(
    policy.escaped.map(({ check: of }) => of),
    [check],
  );
});

test('escapes: an error while the process stops leaves the run void', async () => {
  using policy = caught();
  const stop = new AbortController();
  const prober = exampleProber((context) => {
    context.signal.addEventListener('abort', boom);
    setImmediate(() => stop.abort());
    return never;
  });
  const run = await execute(exampleCheck(), prober, emptyKit, { clock, signal: stop.signal });
  assert.equal(run.outcome.void, 'stopped');
  assert.equal(policy.escaped.length, 1);
});

test('escapes: work that runs share belongs to none', async () => {
  using policy = caught();
  const ended: string[] = [];
  asRun({ check: exampleCheck(), end: (what) => ended.push(what) }, () => asNoRun(() => setImmediate(boom)));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(ended, []);
  assert.deepEqual(
    policy.escaped.map(({ check }) => check),
    [undefined],
  );
});

test('escapes: listeners that were there come back when the last policy ends', () => {
  const before = process.listeners('uncaughtException');
  const first = caught();
  const second = caught();
  assert.equal(process.listenerCount('uncaughtException'), 1);
  first[Symbol.dispose]();
  assert.equal(process.listenerCount('uncaughtException'), 1);
  second[Symbol.dispose]();
  assert.deepEqual(process.listeners('uncaughtException'), before);
});

/** Runs a program that throws outside of every run, under a policy that does not survive it. */
const program = (throwing: string, listener = '') =>
  spawnSync(process.execPath, [
    '--input-type=module',
    '-e',
    `${listener}
    const { catchEscapes } = await import(${JSON.stringify(fileURLToPath(new URL('../../src/run/escapes.ts', import.meta.url)))});
    catchEscapes({ survives: () => false, onEscaped: () => console.log('counted') });
    setTimeout(() => console.log('went on'), 100);
    ${throwing}`,
  ]);

test('escapes: an error of no run ends a program as Node would, unless its policy survives it', () => {
  for (const throwing of [
    'setImmediate(() => { throw new Error("broken program") })',
    'Promise.reject(new Error("broken program"))',
  ]) {
    const { status, stdout, stderr } = program(throwing);
    assert.equal(status, 1);
    assert.equal(String(stdout), '');
    assert.match(String(stderr), /Error: broken program\n +at /);
  }
});

test("escapes: an error of no run goes to listeners that were there before, such as those of Lambda's runtime", () => {
  const listener = `
    process.on('uncaughtException', ({ message }) => { console.log('exception', message); process.exit(129); });
    process.on('unhandledRejection', ({ message }) => { console.log('rejection', message); process.exit(128); });`;
  const thrown = program('setImmediate(() => { throw new Error("x") })', listener);
  assert.deepEqual([thrown.status, String(thrown.stdout)], [129, 'exception x\n']);
  const rejected = program('Promise.reject(new Error("x"))', listener);
  assert.deepEqual([rejected.status, String(rejected.stdout)], [128, 'rejection x\n']);
});
