import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { files } from '../../src/net/files.ts';
import { eventOf } from '../../src/net/kubernetes/answers.ts';
import { kubernetesApi, placeInCluster } from '../../src/net/kubernetes/api.ts';
import { linesOf } from '../../src/net/kubernetes/lines.ts';
import { listAndWatch } from '../../src/net/kubernetes/list-watch.ts';
import { chain, issue } from '../servers/certificates.ts';
import { type KubernetesServer, kubernetesServer } from '../servers/kubernetes.ts';

const services = '/api/v1/services';
const service = (name: string, namespace = 'shop', spec: object = {}) => ({ metadata: { name, namespace }, spec });

/** A server and a watched collection of its services, of which the spec is kept. */
const world = async (
  options: {
    count?: number;
    pages?: number;
    tokenFile?: string;
    limits?: Partial<Parameters<typeof listAndWatch<unknown>>[0]>;
  } = {},
) => {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await kubernetesServer(options.pages));
  for (let index = 0; index < (options.count ?? 2); index += 1) server.put(services, service(`s${index}`));
  const ending = new AbortController();
  const api = stack.use(kubernetesApi({ server: server.url, tokenFile: options.tokenFile }, files()));
  const start = (path = services) => {
    let changes = 0;
    const watched = listAndWatch<unknown>({
      api,
      collection: { path },
      pick: (object) => Object(object).spec,
      changed: () => {
        changes += 1;
      },
      signal: ending.signal,
      random: () => 0,
      ...options.limits,
    });
    stack.defer(async () => {
      ending.abort();
      await watched.ended;
    });
    return { ...watched, changes: () => changes };
  };
  const until = async (what: () => boolean) => {
    while (!what()) await wait(5);
  };
  return { server, start, until, end: () => ending.abort(), [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('kubernetes: a list comes in pages, and a watch tells what comes, changes and goes', async () => {
  await using there = await world({ count: 7, pages: 3 });
  const watched = there.start();
  await watched.first;
  assert.equal(watched.objects.size, 7);
  assert.equal(there.server.seen.filter(({ verb }) => verb === 'list').length, 3);
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  there.server.put(services, service('new', 'shop', { a: 1 }));
  await there.until(() => watched.objects.size === 8);
  there.server.put(services, service('new', 'shop', { a: 2 }));
  await there.until(() => JSON.stringify(watched.objects.get('shop/new')) === '{"a":2}');
  there.server.remove(services, 'shop', 's0');
  await there.until(() => watched.objects.size === 7);
  assert.ok(!watched.objects.has('shop/s0'));
  assert.ok(watched.changes() >= 4);
});

test('kubernetes: objects that are larger together than a page may be come in smaller pages, and none costs the others', async () => {
  await using there = await world({ count: 3 });
  for (let index = 0; index < 12; index += 1)
    there.server.put(services, service(`large${index}`, 'evil', { text: 'x'.repeat(1_000_000) }));
  const watched = there.start();
  await watched.first;
  assert.deepEqual([watched.state().problem, watched.objects.size], [undefined, 15]);
  const limits = there.server.seen.filter(({ verb }) => verb === 'list').map(({ query }) => query.get('limit'));
  assert.deepEqual(limits.slice(0, 2), ['100', '10']);
});

test('kubernetes: an object that cannot be read costs that object alone', async () => {
  await using there = await world({
    limits: {
      pick: (object) => {
        if (Object(object).spec.isBad) throw new Error('bad');
        return Object(object).spec;
      },
    },
  });
  there.server.put(services, service('bad', 'evil', { isBad: true }));
  const watched = there.start();
  await watched.first;
  assert.deepEqual([watched.state().problem, [...watched.objects.keys()].sort()], [undefined, ['shop/s0', 'shop/s1']]);
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  there.server.put(services, service('s2', 'evil', { isBad: true }));
  there.server.put(services, service('s3'));
  await there.until(() => watched.objects.has('shop/s3'));
  assert.equal(watched.objects.size, 3);
});

test('kubernetes: what is not admitted is not kept, and is listed again once there may be room for it', async () => {
  let room = 1;
  let isPartial = false;
  const admitted = new Set<string>();
  await using there = await world({
    count: 3,
    limits: {
      watchSeconds: 0,
      admit: (key, picked) => {
        if (picked === undefined) admitted.delete(key);
        else if (admitted.size < room) admitted.add(key);
        return admitted.has(key);
      },
      isPartial: () => isPartial,
    },
  });
  const watched = there.start();
  await watched.first;
  assert.deepEqual([...watched.objects.keys()], ['shop/s0']);
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  [room, isPartial] = [3, true];
  there.server.write('', 'cut');
  await there.until(() => watched.objects.size === 3);
});

test('kubernetes: an event that changes nothing that was picked is no change', async () => {
  await using there = await world();
  const watched = there.start();
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  const before = watched.changes();
  there.server.put(services, { ...service('s0'), status: { loadBalancer: 'new' } });
  there.server.put(services, service('new', 'shop', { a: 1 }));
  await there.until(() => watched.objects.size === 3);
  assert.equal(watched.changes(), before + 1);
});

test('kubernetes: a watch that is cut, also in the middle of a line, goes on where it stood', async () => {
  await using there = await world();
  const watched = there.start();
  const watches = () => there.server.seen.filter(({ verb }) => verb === 'watch');
  await there.until(() => watches().length === 1);
  there.server.bookmark();
  there.server.write('{"type":"ADDED","object":{"metadata":{"na', 'cut');
  await there.until(() => watches().length === 2);
  assert.equal(there.server.seen.filter(({ verb }) => verb === 'list').length, 1);
  assert.ok(Number(watches()[1]?.query.get('resourceVersion')) > Number(watches()[0]?.query.get('resourceVersion')));
  there.server.put(services, service('after'));
  await there.until(() => watched.objects.size === 3);
});

for (const how of ['status', 'event'] as const)
  test(`kubernetes: after 410 by ${how} the list is read anew, and what vanished meanwhile is gone`, async () => {
    await using there = await world();
    const watched = there.start();
    await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
    there.server.write('', 'cut');
    there.server.remove(services, 'shop', 's0');
    there.server.forget(how);
    await there.until(() => !watched.objects.has('shop/s0'));
    assert.ok(watched.objects.has('shop/s1'));
    assert.equal(watched.state().problem, undefined);
  });

test('kubernetes: a list that expires between its pages is begun anew', async () => {
  await using there = await world({ count: 7, pages: 3 });
  there.server.expiredPages = 1;
  const watched = there.start();
  await there.until(() => watched.objects.size === 7);
  await there.until(() => watched.state().syncedAt !== undefined);
  assert.equal(watched.state().problem, undefined);
});

test('kubernetes: over TLS the server is verified by the authority of the pod, also after that was changed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-ca-'));
  const caFile = join(folder, 'ca.crt');
  const { root, leaf, intermediate } = await chain();
  await using server = await kubernetesServer(250, { cert: leaf.cert + intermediate.cert, key: leaf.key });
  server.put(services, service('a'));
  const stranger = await issue({ ca: true, subject: 'CN=stranger' });
  await writeFile(caFile, stranger.cert);
  using api = kubernetesApi({ server: server.url, caFile }, (path) => readFile(path));
  const ending = new AbortController();
  const watched = listAndWatch({
    api,
    collection: { path: services },
    pick: (object) => object,
    changed: () => {},
    signal: ending.signal,
    random: () => 0,
  });
  try {
    await watched.first;
    assert.match(watched.state().problem ?? '', /^the API server cannot be reached: [A-Z_]*CERT|UNABLE_TO_VERIFY/);
    assert.equal(server.seen.length, 0);
    await writeFile(caFile, root.cert);
    while (watched.objects.size === 0) await wait(5);
    assert.equal(watched.state().problem, undefined);
  } finally {
    ending.abort();
    await watched.ended;
    await rm(folder, { recursive: true });
  }
});

test('kubernetes: a token that was changed is read anew, and one that is wrong keeps the last state and says so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-token-'));
  const tokenFile = join(folder, 'token');
  try {
    await writeFile(tokenFile, 'one\n');
    await using there = await world({ tokenFile });
    there.server.token = 'one';
    const watched = there.start();
    await watched.first;
    assert.equal(watched.objects.size, 2);
    await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
    there.server.token = 'two';
    there.server.write('', 'cut');
    await there.until(() => watched.state().problem !== undefined);
    assert.match(watched.state().problem ?? '', /does not know our token \(401\)/);
    assert.equal(watched.objects.size, 2);
    await writeFile(tokenFile, 'two\n');
    there.server.put(services, service('new'));
    await there.until(() => watched.objects.size === 3);
    assert.equal(watched.state().problem, undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('kubernetes: a server without time is waited for as long as it asks at least, one that fails is asked again', async () => {
  await using there = await world();
  there.server.fail(429, 1, { 'Retry-After': '1' });
  const began = performance.now();
  const watched = there.start();
  await there.until(() => watched.objects.size === 2);
  assert.ok(performance.now() - began >= 990);
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  there.server.fail(500, 2);
  there.server.write('', 'cut');
  there.server.put(services, service('new'));
  await there.until(() => watched.objects.size === 3);
});

test('kubernetes: what is out of date is told, and that it is up to date again as soon as a watch is open', async () => {
  await using there = await world();
  const watched = there.start();
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  const before = watched.changes();
  there.server.fail(503, 1);
  there.server.write('', 'cut');
  await there.until(() => watched.state().problem !== undefined);
  assert.equal(watched.changes(), before + 1);
  // Nothing changes in the collection, and no bookmark comes.
  await there.until(() => watched.state().problem === undefined);
  assert.equal(watched.changes(), before + 2);
});

test('kubernetes: kinds that are not installed, rights that are missing and servers that are away are told apart', async () => {
  await using there = await world();
  there.server.absent.add('httproutes');
  const absent = there.start('/apis/gateway.networking.k8s.io/v1/httproutes');
  await absent.first;
  assert.deepEqual([absent.state().absent, absent.state().problem], [true, undefined]);
  there.server.fail(403, 1);
  const denied = there.start();
  await denied.first;
  assert.match(denied.state().problem ?? '', /does not let us read this \(403\); look at the ClusterRole/);
  const away = kubernetesApi({ server: 'http://127.0.0.1:1' }, (path) => readFile(path));
  const ending = new AbortController();
  const none = listAndWatch({
    api: away,
    collection: { path: services },
    pick: (object) => object,
    changed: () => {},
    signal: ending.signal,
  });
  await none.first;
  assert.match(none.state().problem ?? '', /cannot be reached: ECONNREFUSED/);
  ending.abort();
  await none.ended;
});

test('kubernetes: a kind that is not found for a moment keeps its objects and is listed anew; one that stays away is gone', async () => {
  await using there = await world({ limits: { absentMs: 1_500 } });
  const watched = there.start();
  await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
  there.server.absent.add('services');
  there.server.write('', 'cut');
  await there.until(() => watched.state().problem !== undefined);
  assert.equal(watched.state().problem, 'the API server says that it has no such kind any more (404)');
  assert.deepEqual([watched.objects.size, watched.state().absent], [2, false]);
  there.server.put(services, service('meanwhile'));
  there.server.absent.clear();
  await there.until(() => watched.objects.size === 3);
  assert.equal(watched.state().problem, undefined);
  there.server.absent.add('services');
  there.server.write('', 'cut');
  await there.until(() => watched.state().absent);
  assert.deepEqual([watched.objects.size, watched.state().problem], [0, undefined]);
  there.server.absent.clear();
  await there.until(() => watched.objects.size === 3);
});

test('kubernetes: a watch that the server refuses from its place is begun with a new list', async () => {
  const error = (code: number) => `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code } })}\n`;
  for (const refuse of [
    (server: KubernetesServer) => {
      server.fail(504, 1);
      server.write('', 'cut');
    },
    (server: KubernetesServer) => server.write(error(500), 'cut'),
    (server: KubernetesServer) => server.write('<html>\n', 'cut'),
  ]) {
    await using there = await world();
    const watched = there.start();
    const lists = () => there.server.seen.filter(({ verb }) => verb === 'list').length;
    await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
    refuse(there.server);
    await there.until(() => lists() === 2 && watched.state().problem === undefined);
    assert.equal(watched.objects.size, 2);
  }
});

test('kubernetes: what is wrong with a token or an answer is said as it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-'));
  try {
    const tokenFile = join(folder, 'token');
    await using there = await world({ tokenFile });
    const missing = there.start();
    await missing.first;
    assert.equal(missing.state().problem, `the file ${tokenFile} cannot be read: ENOENT`);
    await writeFile(tokenFile, 'one\ntwo');
    const broken = there.start();
    await broken.first;
    assert.equal(broken.state().problem, `the file ${tokenFile} holds no bearer token`);
    await writeFile(tokenFile, 'one');
    there.server.page = '<html>Sign in</html>';
    const foreign = there.start();
    await foreign.first;
    assert.equal(foreign.state().problem, 'the API server sent an answer that is no list');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('kubernetes: a watch whose server is gone without a word is begun anew when it should have ended', async () => {
  await using there = await world({ limits: { watchSeconds: 0, answerMs: 300 } });
  const watched = there.start();
  const watches = () => there.server.seen.filter(({ verb }) => verb === 'watch').length;
  await there.until(() => watches() === 1);
  // The stand-in never ends a watch by itself.
  await there.until(() => watches() === 3);
  assert.equal(watched.objects.size, 2);
  assert.equal(watched.state().problem, undefined);
  assert.equal(there.server.seen.filter(({ verb }) => verb === 'list').length, 1);
});

test('kubernetes: an answer that does not end is given up, said, and asked for again', async () => {
  await using there = await world({ limits: { answerMs: 300 } });
  there.server.stalls = true;
  const watched = there.start();
  await watched.first;
  assert.equal(watched.state().problem, 'the API server sent an answer without an end');
  there.server.stalls = false;
  await there.until(() => watched.objects.size === 2);
  assert.equal(watched.state().problem, undefined);
});

test('kubernetes: a server that answers 410 again and again, or fails again and again, is not asked without a pause', async () => {
  for (const [status, headers] of [[410], [500], [429, { 'Retry-After': '0' }]] as const) {
    await using there = await world();
    const watched = there.start();
    await there.until(() => there.server.seen.some(({ verb }) => verb === 'watch'));
    there.server.fail(status, 1_000, headers);
    there.server.write('', 'cut');
    const began = performance.now();
    const before = there.server.seen.length;
    await there.until(() => watched.state().problem !== undefined);
    await there.until(() => there.server.seen.length >= before + 4);
    // With the least pauses that chance allows.
    assert.ok(performance.now() - began >= 2 * 500, `${status}`);
    assert.equal(watched.objects.size, 2);
  }
});

test('kubernetes: a slow server is waited for, and everything ends at once when it is to', async () => {
  await using there = await world();
  there.server.delayMs = 60;
  const watched = there.start();
  await watched.first;
  assert.equal(watched.objects.size, 2);
  there.server.delayMs = 600_000;
  there.server.write('', 'cut');
  there.end();
  await watched.ended;
});

const all = async <T>(from: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
};

test('kubernetes: lines are put together however they are cut, and half a line is none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string()), fc.integer({ min: 1, max: 7 }), async (texts, size) => {
      const lines = texts.map((text) => text.replaceAll('\n', ' '));
      const bytes = Buffer.from(`${lines.map((line) => `${line}\n`).join('')}half`);
      const chunks = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      assert.deepEqual(await all(linesOf(chunks())), lines);
    }),
  );
  const endless = async function* () {
    for (;;) yield Buffer.alloc(1_048_576, 'x');
  };
  await assert.rejects(all(linesOf(endless())), /a line of more than/);
});

test('kubernetes: no line makes the reader throw', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => void eventOf(line)));
  assert.equal(eventOf('{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"b"}}}')?.key, 'b/a');
  assert.equal(eventOf('{"type":"SURPRISE"}'), undefined);
});

test('kubernetes: a pod finds its server by its environment', () => {
  assert.equal(placeInCluster({}), undefined);
  assert.equal(
    placeInCluster({ KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' })?.server,
    'https://10.0.0.1:6443',
  );
  assert.equal(placeInCluster({ KUBERNETES_SERVICE_HOST: 'fd00::1' })?.server, 'https://[fd00::1]:443');
});
