import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { loadTexts } from '../../src/config/load.ts';
import { standsOn } from '../../src/config/stands-on.ts';
import { probers } from '../../src/probers/index.ts';
import { needs } from '../servers/peers.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';
import { built, folder, type Manifest, workloads } from './manifests.ts';

// The example of a shop: that its scripts do what is said of them, and that its parts find each other.

const poc = join(folder, 'poc');

/** Runs a script of the example as its container does, on loopback. */
const startScript = async (name: string, environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [join(poc, 'app', name)], {
    env: { HOST: '127.0.0.1', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), exited]);
  const port = /port (\d+)$/.exec(String(line))?.[1] ?? assert.fail(`it said ${line}`);
  const stop = async () => {
    child.kill('SIGTERM');
    return (await exited)[0];
  };
  return { url: `http://127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop };
};

/** As PostgreSQL answers the question whether it speaks TLS: no. */
const database = () => tcpServer({ onData: (socket) => socket.write('N') });

const get = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, text: (await response.text()).trim() };
};

test('shop: it is good as long as its database and its API answer, and asks a PostgreSQL', async () => {
  await using orders = await database();
  await using payments = await startScript('payments-api.mjs');
  await using shop = await startScript('shop.mjs', {
    DATABASE: `127.0.0.1:${orders.port}`,
    PAYMENTS: `${payments.url}/health`,
  });
  assert.deepEqual(await get(shop.url), { status: 200, text: 'Welcome to the shop.' });
  const { status, text } = await get(`${shop.url}/healthz`);
  assert.deepEqual([status, JSON.parse(text)], [200, { 'orders-db': 'good', 'payments-api': 'good' }]);
  // PostgreSQL's protocol, message SSLRequest: length and code.
  assert.deepEqual([...orders.received().subarray(0, 8)], [0, 0, 0, 8, 4, 210, 22, 47]);
  assert.equal((await get(`${shop.url}/other`)).status, 404);
  assert.equal((await get(`${payments.url}/other`)).status, 404);
});

test('shop: without its database no page is served, and what is missing is named', async () => {
  await using payments = await startScript('payments-api.mjs');
  await using shop = await startScript('shop.mjs', {
    DATABASE: `127.0.0.1:${await unusedPort()}`,
    PAYMENTS: `${payments.url}/health`,
  });
  assert.deepEqual(await get(shop.url), { status: 503, text: 'No orders now: ECONNREFUSED.' });
  const { status, text } = await get(`${shop.url}/healthz`);
  assert.deepEqual([status, JSON.parse(text)], [503, { 'orders-db': 'ECONNREFUSED', 'payments-api': 'good' }]);
});

test('shop: without the API the page is still served; a database that hangs up or says nothing is missing too', async () => {
  await using payments = await startScript('payments-api.mjs');
  for (const [orders, why] of [
    [await tcpServer({ onData: (socket) => socket.end() }), 'closed without an answer'],
    [await tcpServer(), 'no answer'],
    [await database(), 'good'],
  ] as const) {
    await using there = orders;
    await using shop = await startScript('shop.mjs', {
      DATABASE: `127.0.0.1:${there.port}`,
      PAYMENTS: `${payments.url}/gone`,
    });
    assert.equal((await get(shop.url)).status, why === 'good' ? 200 : 503);
    const { status, text } = await get(`${shop.url}/healthz`);
    assert.deepEqual([status, JSON.parse(text)], [503, { 'orders-db': why, 'payments-api': 'answered 404' }]);
  }
});

test('shop: its processes end when the cluster asks them to', async () => {
  for (const name of ['shop.mjs', 'payments-api.mjs']) {
    const running = await startScript(name);
    assert.equal(await running.stop(), 0, name);
  }
});

test('shop: what its parts name is there, and the list looks at what the app uses', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const all = await built(kubectl.path, 'poc');
  const of = (kind: string, name: string): Manifest =>
    all.find((one) => one.kind === kind && one.metadata.name === name) ?? assert.fail(`no ${kind} ${name}`);
  /** The pods behind a service listen on the port that it sends to. */
  const assertServed = (name: string, port: string | number) => {
    const { selector, ports } = of('Service', name).spec;
    const { targetPort } =
      ports.find((one: Manifest) => [one.name, one.port].includes(port)) ?? assert.fail(`${name}:${port}`);
    const { template } =
      all.find((one) => workloads.has(one.kind) && one.metadata.name === name)?.spec ?? assert.fail(name);
    assert.deepEqual(template.metadata.labels, selector);
    assert.ok(
      template.spec.containers[0].ports.some((one: Manifest) => one.name === targetPort),
      name,
    );
  };
  const [rule] = of('Ingress', 'shop').spec.rules;
  const { service } = rule.http.paths[0].backend;
  assertServed(service.name, service.port.name);

  for (const name of ['shop', 'payments-api']) {
    const [container] = of('Deployment', name).spec.template.spec.containers;
    const [volume] = of('Deployment', name).spec.template.spec.volumes;
    const [node, script = ''] = container.command;
    assert.equal(node, 'node');
    const [mount] = container.volumeMounts;
    assert.ok(of('ConfigMap', volume.configMap.name).data[script.slice(mount.mountPath.length + 1)], script);
  }
  const [{ env }] = of('Deployment', 'shop').spec.template.spec.containers;
  const said = Object.fromEntries(env.map((one: Manifest) => [one.name, one.value]));
  const [dbName = '', dbPort] = said.DATABASE.split(':');
  const payments = new URL(said.PAYMENTS);
  assertServed(dbName, Number(dbPort));
  assertServed(payments.hostname, 80);

  const text = await readFile(join(poc, 'bothways.yml'), 'utf8');
  const loaded = loadTexts([{ file: 'bothways.yml', text }], { probers });
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const [shop = assert.fail('nothing stands on anything')] = standsOn(loaded.list);
  assert.deepEqual(shop, { name: 'shop', on: [dbName, payments.hostname] });
  const addresses = new Map(loaded.compiled.checks.map(({ target }) => [target.name, target.address]));
  assert.equal(addresses.get('shop'), `https://${rule.host}/`);
  assert.equal(addresses.get(dbName), `${dbName}.shop.svc:${dbPort}`);
  assert.equal(addresses.get(payments.hostname), `http://${payments.hostname}.shop.svc${payments.pathname}`);
});
