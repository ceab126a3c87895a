import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as httpsServer } from 'node:https';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chain, issue } from '../servers/certificates.ts';
import { a, dnsServer, zone } from '../servers/dns.ts';
import { needs } from '../servers/peers.ts';
import { type Prometheus, prometheus } from '../servers/prometheus.ts';
import { listening, tcpServer, unusedPort } from '../servers/tcp.ts';
import { listFile, site } from './world.ts';

const launcher = fileURLToPath(new URL('../../bin/bothways', import.meta.url));

/** The real command, as its own process. */
const bothways = async (words: readonly string[]) => {
  const child = spawn(process.execPath, [launcher, ...words]);
  const [[code], stdout, stderr] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
};

const day = 86_400;

/** A small world: a sound shop, one whose certificate is old and for another name, a plain site, a database, a name server. */
const world = async () => {
  await using stack = new AsyncDisposableStack();
  const { root, intermediate, leaf } = await chain();
  const old = await issue({ names: ['old.example'], issuer: intermediate, notBefore: -90, notAfter: -3 });
  const https = async (cert: string, key: string) =>
    stack.use(
      await listening(httpsServer({ cert: cert + intermediate.cert, key }, (_request, response) => response.end('ok'))),
    );
  const shop = await https(leaf.cert, leaf.key);
  const expired = await https(old.cert, old.key);
  const plain = stack.use(await site());
  const database = stack.use(await tcpServer());
  const names = stack.use(await dnsServer({ reply: zone({ 'shop.example': [a('192.0.2.1')] }) }));
  const closed = await unusedPort();
  const ends = stack.move();
  return {
    root: root.cert,
    targets: {
      shop: `https://127.0.0.1:${shop.port}/`,
      expired: `https://127.0.0.1:${expired.port}/`,
      plain: `${plain.url}/good`,
      broken: `${plain.url}/bad`,
      'orders-db': `tcp://127.0.0.1:${database.port}`,
      closed: `tcp://127.0.0.1:${closed}`,
      names: `dns://127.0.0.1:${names.port}/shop.example?type=A`,
      nobody: `dns://127.0.0.1:${names.port}/nobody.example?type=A`,
    },
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
};

const listOf = (targets: Record<string, string>, writeUrl: string) => `
external_labels: { env: test }
vantages:
  prod-a: { kind: agent, labels: { vantage_cluster: prod-a } }
  eu-west-1: { kind: lambda, private: allow, vpc: { subnet_ids: [subnet-1], security_group_ids: [sg-1] } }
remote_write: [{ url: "${writeUrl}" }]
modules:
  private_ca: { prober: http, http: { tls_config: { ca_file: ca.pem } } }
defaults:
  inside: { timeout: 5s }
targets:
${Object.entries(targets)
  .map(([name, target]) => {
    const module = target.startsWith('https:') ? ', module: private_ca' : '';
    const from = name === 'plain' ? ', from: [prod-a, eu-west-1], interval: 1m' : '';
    return `  - { name: ${name}, target: "${target}"${module}${from}, labels: { team: checkout } }`;
  })
  .join('\n')}
`;

const check = async (server: Prometheus) => {
  await using there = await world();
  await using file = await listFile(listOf(there.targets, server.writeUrl));
  await writeFile(join(dirname(file.path), 'ca.pem'), there.root);
  const { code, stdout, stderr } = await bothways([
    'run',
    '--once',
    '--config',
    file.path,
    '--vantage',
    'prod-a',
    '--json',
  ]);
  assert.equal(code, 1, `some targets are broken on purpose: ${stdout}${stderr}`);
  const { summary } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  assert.deepEqual([summary.good, summary.failed, summary.receivers[0].accepted], [4, 4, summary.samples], stdout);
  const lambda = await bothways(['run', '--once', '--config', file.path, '--vantage', 'eu-west-1']);
  assert.equal(lambda.code, 0, lambda.stderr);
  await readBack(server, there.targets);
};

const readBack = async ({ query }: Prometheus, targets: Awaited<ReturnType<typeof world>>['targets']) => {
  const identity = (name: keyof typeof targets) => ({
    job: 'bothways',
    instance: targets[name],
    name,
    team: 'checkout',
    env: 'test',
    vantage: 'prod-a',
    vantage_kind: 'agent',
    vantage_cluster: 'prod-a',
  });
  const success = await query('probe_success{vantage="prod-a"}');
  assert.deepEqual(
    new Map(success.map(({ labels, value }) => [labels.name, value])),
    new Map(Object.keys(targets).map((name) => [name, ['shop', 'plain', 'orders-db', 'names'].includes(name) ? 1 : 0])),
  );
  for (const { labels } of success) {
    // safe: the names are the keys of the table above
    const name = labels.name as keyof typeof targets;
    assert.deepEqual(labels, { __name__: 'probe_success', ...identity(name) });
  }
  const [fromLambda, ...others] = await query('probe_success{vantage="eu-west-1"}');
  assert.deepEqual(fromLambda?.labels, {
    __name__: 'probe_success',
    job: 'bothways',
    instance: targets.plain,
    name: 'plain',
    team: 'checkout',
    env: 'test',
    vantage: 'eu-west-1',
    vantage_kind: 'lambda',
    vantage_region: 'eu-west-1',
  });
  assert.equal(others.length, 0);

  const failures = await query('sort_desc(probe_failure_info)');
  const reasons = new Map<string, string[]>();
  for (const { labels, value } of failures) {
    const { phase = '', reason = '', ...rest } = labels;
    // safe: the names are the keys of the table above
    const name = labels.name as keyof typeof targets;
    assert.deepEqual([rest, value], [{ __name__: 'probe_failure_info', ...identity(name) }, 1]);
    reasons.set(name, [...(reasons.get(name) ?? []), `${phase} ${reason}`].sort());
  }
  assert.deepEqual(Object.fromEntries(reasons), {
    expired: ['tls tls_expired', 'tls tls_name_mismatch'],
    broken: ['check http_status'],
    closed: ['connect connect_refused'],
    nobody: ['check dns_rcode'],
  });

  const phasesOf = async (promql: string) =>
    Object.fromEntries((await query(promql)).map(({ labels, value }) => [labels.phase, value > 0]));
  assert.deepEqual(await phasesOf('probe_http_duration_seconds{name="shop"}'), {
    resolve: true,
    connect: true,
    tls: true,
    processing: true,
    transfer: true,
  });
  assert.deepEqual(await phasesOf('probe_dns_duration_seconds{name="names"}'), {
    resolve: true,
    connect: true,
    request: true,
  });

  const left = async (name: string) =>
    (await query(`(probe_ssl_earliest_cert_expiry{name="${name}"} - time()) / ${day}`))[0];
  const sound = (await left('shop'))?.value ?? 0;
  assert.ok(sound > 360 && sound < 370, String(sound));
  const old = (await left('expired'))?.value ?? 0;
  assert.ok(old < -2 && old > -4, String(old));
  const [status] = await query('probe_http_status_code{name="broken"}');
  assert.equal(status?.value, 500);
};

for (const name of ['prometheus-2.42', 'prometheus-3.5'] as const)
  test(`run --once: a list of HTTPS, HTTP, TCP and DNS targets arrives in ${name}, with exactly its labels`, async (t) => {
    const program = await needs(t, name);
    if (program === undefined) return;
    t.diagnostic(`Prometheus ${program.version}`);
    await using server = await prometheus(program.path);
    await check(server);
  });
