import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { issue } from '../servers/certificates.ts';
import { cli } from './console.ts';
import { changesFrom, plan, planFrom } from './planned.ts';

const receiver = '{ url: "https://mimir.example.com/push", basic_auth: { username: a, password: "${ssm:/push}" } }';
type Parts = { readonly more?: string; readonly receivers?: string; readonly vantages?: string };
const listOf = (targets: string, { more = '', receivers = receiver, vantages = '' }: Parts = {}) => `
vantages: { eu-west-1: { kind: lambda }, prod-a: { kind: agent }${vantages} }
remote_write: [${receivers}]
${more}
targets:
  - { name: db, target: "tcp://db.svc:5432", interval: 15s }
${targets}`;
const shop = (more = '') => `  - { name: shop, target: "https://shop.example.com"${more} }`;
const small = listOf(shop());
const none = { list: [], targets: [], alerting: [] };

test('plan: what changes is said target by target, key by key, in series and in money', async () => {
  const before = listOf(shop(', http: { headers: { X: "${ssm:/a}" } }'));
  const after = listOf(
    `${shop(', profile: lean, http: { headers: { X: "${ssm:/b}" } }')}\n  - https://new.example.com`,
  );
  const { code, stdout } = await planFrom(before, after);
  assert.equal(code, 0);
  assert.match(stdout, /^Targets: 3 changes$/m);
  assert.match(stdout, /^ {2}added +new\.example\.com$/m);
  assert.match(stdout, /^ {2}changed +shop +http\.headers\.X: \$\{ssm:\/a\} -> \$\{ssm:\/b\}$/m);
  assert.match(stdout, /^ {2}changed +shop +profile: standard -> lean$/m);
  assert.match(stdout, /^Series: \d+ -> \d+ \(\+\d+\)$/m);
  assert.match(stdout, /^Money: \$\d.*a month$/m);
  assert.match((await planFrom(small, small)).stdout, /^Nothing changes\.$/m);
  assert.deepEqual(await changesFrom(after, before), {
    ...none,
    targets: [
      'removed new.example.com',
      'changed shop http.headers.X ${ssm:/b} -> ${ssm:/a}',
      'changed shop profile lean -> standard',
    ],
  });
});

test('plan: a receiver whose URL, credentials or queue change is said, with references and never values', async () => {
  const open = '{ url: "https://mimir.example.com/push", authorization: { credentials: canary-one } }';
  const other = '{ url: "https://mimir.example.com/push", authorization: { credentials: canary-two } }';
  const changes = await changesFrom(
    small,
    listOf(shop(), {
      receivers:
        '{ url: "https://evil.example.com/push?key=canary", from: [kind=lambda], queue_config: { max_samples_per_send: 10 }, basic_auth: { username: a, password: "${ssm:/other}" } }, { url: "http://second.svc/push" }',
    }),
  );
  assert.deepEqual(changes.list, [
    'changed remote_write[0].basic_auth.password ${ssm:/push} -> ${ssm:/other}',
    'changed remote_write[0].from - -> ["kind=lambda"]',
    'changed remote_write[0].queue_config.max_samples_per_send 2000 -> 10',
    'changed remote_write[0].url https://mimir.example.com/push -> https://evil.example.com/push?(not shown)',
    'added remote_write[1] http://second.svc/push',
  ]);
  const secrets = await planFrom(listOf(shop(), { receivers: open }), listOf(shop(), { receivers: other }));
  assert.match(secrets.stdout, /authorization\.credentials +\(a secret in the open\) -> \(a secret in the open\)$/m);
  assert.match(
    (await planFrom(listOf(shop(), { receivers: open }), listOf(shop(), { receivers: open }))).stdout,
    /^Nothing changes\.$/m,
  );
  assert.doesNotMatch(JSON.stringify([changes, secrets]), /canary/);
});

test('plan: vantages, external labels, what all stacks have in common, discovery and the budget itself are said', async () => {
  const before = listOf(shop(), { more: 'budget: { usd: 10 }' });
  const after = listOf(shop(), {
    vantages: ', laptop: { kind: agent, labels: { vantage_room: a } }',
    more: `budget: { usd: 100000 }
external_labels: { env: prod }
aws: { memory: 1024, tags: { team: edge }, list: { bucket: lists, region: eu-west-1 } }
discover: { file_sd: [{ files: ["hosts.yml"] }] }`,
  });
  assert.deepEqual((await changesFrom(before, after)).list, [
    'changed budget.usd 10 -> 100000',
    'added vantages.laptop agent',
    'changed aws.list.bucket - -> lists',
    'changed aws.list.prefix - -> bothways/',
    'changed aws.list.region - -> eu-west-1',
    'changed aws.memory 512 -> 1024',
    'changed aws.tags.team - -> edge',
    'changed discover.file_sd[0].files - -> ["hosts.yml"]',
    'changed discover.file_sd[0].max_targets - -> 1000',
    'changed external_labels.env - -> prod',
  ]);
  const moved = listOf(shop(), { more: 'defaults: { outside: { interval: 2m } }' }).replace(
    'eu-west-1: { kind: lambda }',
    'eu-west-1: { kind: lambda, region: us-east-1, labels: { vantage_a: b } }',
  );
  assert.deepEqual(await changesFrom(small, moved), {
    ...none,
    list: [
      'changed vantages.eu-west-1.labels.vantage_a - -> b',
      'changed vantages.eu-west-1.region - -> us-east-1',
      'changed defaults.outside.interval - -> 2m',
    ],
    targets: ['changed shop interval 1m -> 2m'],
  });
});

test('plan: alarms that come and go with vantages, and what targets are judged by, are a section of their own', async () => {
  const after = listOf(shop(', side: outside, quorum: any, slo: { objective: 99.9 }, inside: [db]'), {
    vantages: ', us-east-1: { kind: lambda }',
    more: 'aws: { alarm_topic: ops }',
  });
  const { alerting, targets } = await changesFrom(small, after);
  assert.deepEqual(alerting, [
    'changed aws.alarm_topic - -> ops',
    'added bothways-STAGE-us-east-1-no-invocations',
    'added bothways-STAGE-us-east-1-errors',
    'added bothways-STAGE-us-east-1-not-probed',
    'added bothways-STAGE-us-east-1-not-delivered',
    'changed shop quorum majority -> any',
    'changed shop slo.objective - -> 99.9',
    'changed shop slo.window - -> 30d',
    'changed shop inside - -> db',
  ]);
  assert.deepEqual(targets, ['changed shop from eu-west-1 -> eu-west-1, us-east-1']);
  assert.match((await planFrom(small, after)).stdout, /^Alerting: 9 changes$/m);
  assert.ok((await changesFrom(after, small)).alerting.includes('removed bothways-STAGE-us-east-1-errors'));
});

test('plan: a second check that comes or goes is one change, and the others are matched by instance and module', async () => {
  const more = ', labels: { team: a }, also: [tcp, { module: http_2xx, instance: two, interval: 5m }]';
  const with2 = listOf(shop(more));
  assert.deepEqual((await changesFrom(small, with2)).targets, [
    'added shop checks[tcp://shop.example.com:443] tcp_connect',
    'added shop checks[two] http_2xx',
    'changed shop labels.team - -> a',
  ]);
  const changed = listOf(
    '  - { name: shop, target: "https://shop.example.org", labels: { team: a }, also: [{ module: http_2xx, instance: two, interval: 10m }] }',
  );
  assert.deepEqual((await changesFrom(with2, changed)).targets, [
    'removed shop checks[tcp://shop.example.com:443] tcp_connect',
    'changed shop checks[two].interval 5m -> 10m',
    'changed shop checks[two].target https://shop.example.com -> https://shop.example.org',
    'changed shop target https://shop.example.com -> https://shop.example.org',
  ]);
  const tcp = await changesFrom(small, listOf('  - { name: shop, target: "tcp://shop.example.com:80" }'));
  assert.deepEqual(tcp.targets, [
    'changed shop module http_2xx -> tcp_connect',
    'changed shop target https://shop.example.com -> tcp://shop.example.com:80',
  ]);
});

test('plan: settings are shown as a list writes them', async () => {
  const before = shop(', slo: { objective: 99.9, window: 30d }, http: { method: POST, body: "" }, interval: 1d');
  const after = shop(', slo: { objective: 99.95, window: 36h }, http: { method: POST, body: "x" }, interval: 90s');
  const { targets, alerting } = await changesFrom(listOf(before), listOf(after));
  assert.deepEqual(targets, ['changed shop http.body "" -> x', 'changed shop interval 1d -> 1m30s']);
  assert.deepEqual(alerting, ['changed shop slo.objective 99.9 -> 99.95', 'changed shop slo.window 30d -> 36h']);
});

test('plan: files that are named from the list are the same in two checkouts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-plan-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  const { cert } = await issue({ ca: true });
  for (const name of ['before', 'now']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'ca.pem'), cert);
    const list = listOf(shop(', http: { tls_config: { ca_file: ca.pem } }'), { more: 'ca_file: ca.pem' });
    await writeFile(join(folder, name, 'bothways.yml'), list);
  }
  const { stdout } = await cli(['plan', '--config', join(folder, 'now'), '--from', join(folder, 'before')]);
  assert.match(stdout, /^Nothing changes\.$/m);
});

test('plan: a list before that is not sound is a warning with the reason, and there is a plan all the same', async () => {
  const why = /nothing is compared, since the list before cannot be used: \S+targets\.yaml:\d+/;
  const text = await planFrom('targets: [', small);
  assert.equal(text.code, 0);
  assert.match(text.stderr, why);
  assert.match(text.stdout, /^Together \d+ series/m);
  assert.doesNotMatch(text.stdout, /changes/);
  assert.match((await planFrom(listOf(shop(', modul: x')), small, '--markdown')).stdout, why);
  const json = JSON.parse((await planFrom('targets: [', small, '--json')).stdout);
  assert.match(json.costs.warnings[0], why);
  assert.equal(json.changes, undefined);
  assert.match((await plan(small, '--from', '/nonexistent')).stderr, /\/nonexistent: there is no such file/);
  assert.equal((await planFrom('targets: [', small, '--budget-series', '1')).code, 1);
});

test('plan: in Markdown no text of the list mentions people, makes links or breaks the table', async () => {
  const odd = listOf(
    '  - { name: "a|b<img>`c`", target: "https://odd.example.com" }\n  - { name: "@team [x](https://evil.example.com)", target: "https://odd2.example.com" }\n  - { name: "back\\\\|slash", target: "https://odd3.example.com" }',
  );
  const { code, stdout } = await planFrom(small, odd, '--markdown');
  assert.equal(code, 0);
  assert.match(stdout, /^### Bothways plan\n\n\*\*Series \d+ -> \d+/);
  assert.ok(stdout.includes('\n| added | `` a\\|b<img>`c` `` |  |\n'), stdout);
  assert.ok(stdout.includes('\n| added | `@team [x](https://evil.example.com)` |  |\n'));
  assert.ok(stdout.includes('\n| added | `back\\\\\\|slash` |  |\n'));
  assert.ok(stdout.includes('\n| removed | `shop` |  |\n'));
  const bodyOf = (letter: string) => listOf(shop(`, http: { method: POST, body: "${letter.repeat(10_000)}" }`));
  const long = await planFrom(bodyOf('x'), bodyOf('y'), '--markdown');
  assert.ok(long.stdout.length < 3_000);
  assert.match(long.stdout, /x… -> y+…` \|$/m);
  assert.match(stdout, /^\| `mimir\.example\.com` \| \d+ \|/m);
});

test('plan: the alarms of a vantage whose name leaves room for no stage but a short one are told too', async () => {
  const listOf = (name: string) => `
vantages: { ${name}: { kind: lambda, region: ap-southeast-1 } }
remote_write: [{ url: "https://push.example.com/" }]
targets: ["https://www.example.com"]
`;
  const long = 'v'.repeat(29);
  const { alerting } = await changesFrom(listOf('old'), listOf(long));
  assert.ok(alerting.includes(`added bothways-STAGE-${long}-no-invocations`), alerting.join());
  assert.ok(alerting.includes('removed bothways-STAGE-old-no-invocations'));
});
