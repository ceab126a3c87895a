import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { load, loadTexts } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { authorityFile } from '../servers/certificates.ts';
import { problemsOf, withReferences, withTargets } from './lists.ts';
import { probers } from './probers.ts';

/** Lines of lists made by `withTargets` before the targets of a test. */
const firstLine = 6;

const refused = (what: string, targets: string, expected: string | RegExp, line = firstLine): void => {
  void test(`config: refuses ${what}`, () => {
    const [problem = 'nothing', ...more] = problemsOf(withTargets(targets));
    assert.deepEqual(more, []);
    assert.ok(problem.startsWith(`list.yaml:${line} `), problem);
    const said = problem.slice(`list.yaml:${line} `.length);
    if (typeof expected === 'string') assert.equal(said, expected);
    else assert.match(said, expected);
  });
};

const refusedList = (what: string, list: string, expected: readonly (string | RegExp)[]): void => {
  void test(`config: refuses ${what}`, () => {
    const problems = problemsOf(list);
    assert.equal(problems.length, expected.length, problems.join('\n'));
    for (const [index, problem] of problems.entries()) {
      const wanted = expected[index] ?? '';
      if (typeof wanted === 'string') assert.equal(problem, wanted);
      else assert.match(problem, wanted);
    }
  });
};

const agent = 'vantages: { a: { kind: agent } }\n';

refused(
  'an unknown key of a target, and says which was meant',
  '  - { target: "https://x.example", intervall: 1m }',
  'targets[1].intervall: unknown key; did you mean "interval"?',
);
refused(
  'an unknown key of an overlay, at its line',
  '  - target: https://x.example\n    http:\n      bdoy: x',
  'targets[1].http.bdoy: unknown key; did you mean "body"?',
  firstLine + 2,
);
refusedList('an unknown key at the top and lists those that are known', `${agent}zzz: 1\ntargets: ["http://x"]`, [
  /^list\.yaml:2 zzz: unknown key; known are aws, budget, ca_file, defaults, discover, external_labels, /,
]);
const useM = `${agent}targets: [{ target: "http://x", module: m }]\n`;
const ofUse = /^list\.yaml:2 targets\[0\]\.module: the module "m" cannot be used; see /;
refusedList('an unknown key of a module', `${useM}modules: { m: { prober: http, http: { metod: GET } } }`, [
  ofUse,
  'list.yaml:3 modules.m.http.metod: unknown key; did you mean "method"?',
]);
refusedList(
  'a bad block of another prober in a module',
  `${useM}modules:\n  m:\n    prober: http\n    tcp: { tls: maybe }`,
  [ofUse, 'list.yaml:6 modules.m.tcp.tls: must be true or false; saw "maybe"'],
);
refusedList('a module of an unknown prober', `${useM}modules: { m: { prober: htpp } }`, [
  ofUse,
  'list.yaml:3 modules.m.prober: must be one of "http", "icmp", "tcp", "unix" (did you mean "http"?); saw "htpp"',
]);
refused(
  'a bad duration',
  '  - { target: "https://x.example", interval: 1 minute }',
  'targets[1].interval: not a duration; write for example 30s or 1m30s; saw "1 minute"',
);
refused(
  'a bad duration deep in an overlay',
  '  - { target: "https://x.example", http: { wait: soon } }',
  'targets[1].http.wait: not a duration; write for example 30s or 1m30s; saw "soon"',
);
refused(
  'an interval below a second',
  '  - { target: "https://x.example", interval: 0.5s, from: [agent] }',
  'targets[1].interval: must be at least 1s; saw "0.5s"',
);
refused('a time limit of nothing', '  - { target: "https://x.example", timeout: 0s }', /timeout: must be more than 0/);
refused(
  'a regular expression that RE2 does not know',
  '  - { target: "https://x.example", http: { fail_if_body_matches_regexp: ["(?=x)"] } }',
  /^targets\[1\]\.http\.fail_if_body_matches_regexp\[0\]: not a regular expression of RE2: /,
);
refused(
  'icmp at a Lambda vantage',
  '  - { target: "icmp://192.0.2.1", from: [edge] }',
  'targets[1].from: Lambda (vantage edge) has no ICMP, which icmp needs; probe it `from` agents',
);
refused(
  'sockets in files at a Lambda vantage',
  '  - { target: "unix:///run/x", from: [edge] }',
  'targets[1].from: Lambda (vantage edge) has no sockets in files, which unix needs; probe it `from` agents',
);
refused(
  'an IPv6 address at a Lambda vantage',
  '  - https://[2606:4700::1111]',
  'targets[1].from: Lambda (vantage edge) reaches no IPv6 address without a dual-stack `vpc: { ipv6: true }`; probe it `from` agents',
);
refused(
  'settings that only allow IPv6 at a Lambda vantage',
  '  - { target: "https://x.example", http: { ip_protocol_fallback: false } }',
  'targets[1].from: Lambda (vantage edge) reaches no IPv6 address without a dual-stack `vpc: { ipv6: true }`; allow ip_protocol_fallback, or probe it `from` agents',
);
refused(
  'an interval below a minute at a Lambda vantage',
  '  - { target: "https://x.example", interval: 30s }',
  'targets[1].interval: interval 30s is below the shortest of vantage edge, 1m; write a longer one, or leave that vantage out of `from`',
);
refusedList(
  "an interval below the vantage's own min_interval",
  'vantages: { a: { kind: agent, min_interval: 2m } }\ntargets: ["https://x.example"]',
  [/^list\.yaml:2 targets\[0\]\.interval: interval 1m is below the shortest of vantage a, 2m; /],
);
refused(
  'an interval below the time limit',
  '  - { target: "https://x.example", interval: 5s, from: [agent] }',
  'targets[1]: interval 5s is below the time limit 10s; write a longer interval or a shorter timeout',
);
refusedList(
  "an interval below the module's time limit",
  `${agent}modules: { slow: { prober: http, timeout: 2m } }\ntargets: [{ target: "http://x", module: slow }]`,
  [/targets\[0\]: interval 30s is below the time limit 2m; /],
);
for (const [variable, why] of [
  ['AWS_REGION', 'the variable AWS_REGION is set by Lambda or by Bothways itself'],
  ['LAMBDA_TASK_ROOT', 'the variable LAMBDA_TASK_ROOT is set by Lambda or by Bothways itself'],
  ['BOTHWAYS_VANTAGE', 'the variable BOTHWAYS_VANTAGE is set by Lambda or by Bothways itself'],
  ['TZ', 'the variable TZ is set by Lambda or by Bothways itself'],
  ['_HANDLER', 'Lambda takes no variable _HANDLER: its names begin with a letter and have two at least'],
  ['A', 'Lambda takes no variable A: its names begin with a letter and have two at least'],
] as const) {
  const lambda = 'vantages: { eu-west-1: { kind: lambda } }';
  refusedList(
    `a reference to ${variable} at a Lambda vantage`,
    withReferences(
      `${lambda}\ntargets: [{ target: "https://x.example", http: { headers: { X: "{{env:${variable}}}" } } }]`,
    ),
    [
      `list.yaml:2 targets[0].from: Lambda (vantage eu-west-1): ${why}, and \`headers.X\` refers to it; choose another name, or probe it \`from\` agents`,
    ],
  );
  refusedList(
    `a reference of a receiver to ${variable} at a Lambda vantage`,
    withReferences(
      `${lambda}\nremote_write: [{ url: "https://p", authorization: { credentials: "{{env:${variable}}}" } }]\ntargets: ["https://x.example"]`,
    ),
    [
      `list.yaml:2 remote_write[0].authorization.credentials: Lambda (vantage eu-west-1): ${why}; choose another name, or \`from: [kind=agent]\``,
    ],
  );
}
test('config: takes a reference to any variable at an agent', () => {
  const list =
    'vantages: { a: { kind: agent } }\ntargets: [{ target: "https://x.example", http: { headers: { X: "{{env:AWS_REGION}}" } } }]';
  assert.deepEqual(problemsOf(withReferences(list)), []);
});
refusedList(
  'two variables that would be one parameter of a stack, and names both',
  withReferences(
    'vantages: { eu-west-1: { kind: lambda } }\nremote_write: [{ url: "https://p", authorization: { credentials: "{{env:A_B}}" } }]\ntargets: [{ target: "https://x.example", http: { headers: { X: "{{env:A__B}}" } } }]',
  ),
  ['list.yaml:1 vantages.eu-west-1: the variables A__B and A_B would be one parameter of its stack; rename one'],
);
refused(
  'a time limit that no function holds at a Lambda vantage',
  '  - { target: "https://x.example", timeout: 40s, from: [edge] }',
  'targets[1].timeout: the time limit 40s is above the longest at Lambda (vantage edge), 30s: a function has 50s for all its checks, and delivery up to 10s of them; write a shorter timeout, or probe it `from` agents',
);
refusedList(
  'a time limit of a module that no function holds',
  'vantages: { eu-west-1: { kind: lambda } }\nmodules: { m: { prober: http, timeout: 31s } }\ntargets: [{ target: "https://x.example", module: m }]',
  [/^list\.yaml:3 targets\[0\]\.timeout: the time limit 31s is above the longest at Lambda/],
);
test('config: takes the longest time limit that a function holds, and a longer one at an agent', () => {
  assert.deepEqual(problemsOf(withTargets('  - { target: "https://x.example", timeout: 30s }')), []);
  assert.deepEqual(problemsOf(withTargets('  - { target: "https://x.example", timeout: 40s, from: [agent] }')), []);
});
refused(
  'a private address at a Lambda vantage',
  '  - { target: "http://10.0.0.1", from: [edge], interval: 1m }',
  'targets[1].target: a private address at the Lambda vantage edge needs `private: allow` here and `vpc` at the vantage; or probe it `from` agents',
);
refused(
  'a private address that is allowed at a Lambda vantage without vpc',
  '  - { target: "http://10.0.0.1", from: [edge], interval: 1m, private: allow }',
  'targets[1].target: a private address at the Lambda vantage edge needs `vpc` at the vantage; or probe it `from` agents',
);
test('config: takes a private address at a Lambda vantage that allows it and has a vpc', () => {
  const vpc = 'vpc: { subnet_ids: [subnet-1], security_group_ids: [sg-1] }';
  const list = (more: string, target: string) =>
    `vantages: { edge: { kind: lambda, region: eu-west-1, ${vpc}${more} } }\ntargets: [{ target: "http://10.0.0.1", from: [edge], interval: 1m${target} }]`;
  assert.deepEqual(problemsOf(list('', ', private: allow')), []);
  assert.deepEqual(problemsOf(list(', private: allow', '')), []);
  assert.equal(problemsOf(list('', '')).length, 1);
  assert.equal(problemsOf(list(', private: allow', ', private: refuse')).length, 1);
});
for (const host of [
  '169.254.169.254',
  '169.254.170.2',
  '[fd00:ec2::254]',
  '[::ffff:169.254.169.254]',
  '2852039166',
  'metadata.google.internal',
  'Metadata.Google.Internal.',
]) {
  refused(
    `the metadata service ${host}`,
    `  - { target: "http://${host}/", from: [agent] }`,
    /^targets\[1\]: ".*" is a metadata service; those are never probed$/,
  );
}
for (const host of ['[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::1]', '[fe80::a9fe:a9fe]', '168.63.129.16', 'metadata'])
  refused(
    `the metadata service ${host}, whatever the target allows`,
    `  - { target: "http://${host}/", from: [agent], link_local: allow }`,
    /^targets\[1\]: ".*" is a metadata service; those are never probed$/,
  );
for (const host of ['169.254.1.1', '[fe80::1]', '[::ffff:169.254.1.1]', '2852028673', '[64:ff9b::a9fe:101]'])
  refused(
    `the link-local address ${host}`,
    `  - { target: "http://${host}/", from: [agent] }`,
    /^targets\[1\]: ".*" is a link-local address; write `link_local: allow` if it is meant$/,
  );
refused(
  'a metadata service beside a good target',
  '  - { target: "http://x.svc", also: ["tcp://169.254.169.254:80"] }',
  /^targets\[1\]\.also\[0\]: "169\.254\.169\.254" is a metadata service/,
);
refusedList(
  'a metadata service as receiver',
  `${agent}remote_write: [{ url: "http://169.254.169.254/push" }]\ntargets: ["http://x"]`,
  ['list.yaml:2 remote_write[0].url: "169.254.169.254" is a metadata service'],
);
refusedList(
  'a vantage that nobody matches',
  'vantages: { a: { kind: agent }, b: { kind: lambda, region: us-east-1 } }\ntargets: ["http://x"]',
  ['list.yaml:1 vantages.b: no target is probed from this vantage; name it in a `from`, or take it out'],
);
refusedList(
  'a region of AWS that is none, and says which one was meant',
  'vantages: { eu-west-9: { kind: lambda } }\ntargets: ["https://x.example"]',
  [
    'list.yaml:1 vantages.eu-west-9: "eu-west-9" is no region of AWS that we know; did you mean eu-west-1? If it is new, write `region: eu-west-9`.',
  ],
);
refusedList(
  "a region that has no region's form",
  'vantages: { edge: { kind: lambda, region: Ireland } }\ntargets: ["https://x.example"]',
  [
    'list.yaml:1 vantages.edge.region: "Ireland" is no region of AWS that we know; write for example `region: eu-west-1`',
  ],
);
test('config: takes a region that is newer than the program, where it is written on purpose', () => {
  const list = 'vantages: { edge: { kind: lambda, region: eu-west-9 } }\ntargets: ["https://x.example"]';
  assert.deepEqual(problemsOf(list), []);
});
refusedList(
  'one network for functions in two regions',
  'aws: { vpc: { subnet_ids: [subnet-1], security_group_ids: [sg-1] } }\nvantages: { eu-west-1: { kind: lambda }, us-east-1: { kind: lambda } }\ntargets: ["https://x.example"]',
  [
    'list.yaml:1 aws.vpc: subnets are of one region, and eu-west-1, us-east-1 would share these; write `vpc` at each vantage',
  ],
);
for (const [what, aws, path] of [
  ['a boundary that is no ARN', 'permissions_boundary: boundary', 'permissions_boundary'],
  ['a path of roles without slashes', 'iam_path: team', 'iam_path'],
  ['a retention that CloudWatch does not know', 'log_retention_days: 15', 'log_retention_days'],
  ['memory of less than Lambda gives', 'memory: 64', 'memory'],
  ['a bucket written as a URL', 'list: { bucket: "s3://b", region: eu-west-1 }', 'list.bucket'],
  ['a region of the bucket that there is not', 'list: { bucket: lists, region: moon }', 'list.region'],
  ['a topic written as an ARN', 'alarm_topic: "arn:aws:sns:eu-west-1:1:x"', 'alarm_topic'],
] as const)
  refusedList(what, `aws: { ${aws} }\nvantages: { eu-west-1: { kind: lambda } }\ntargets: ["https://x.example"]`, [
    new RegExp(`^list\\.yaml:1 aws\\.${path}: `),
  ]);
test('config: takes an IPv6 address at a Lambda vantage in a dual-stack network', () => {
  const list = (ipv6: string) =>
    `aws: { vpc: { subnet_ids: [subnet-1], security_group_ids: [sg-1]${ipv6} } }\nvantages: { eu-west-1: { kind: lambda } }\ntargets: ["http://[2001:4860::1]"]`;
  assert.deepEqual(problemsOf(list(', ipv6: true')), []);
  assert.equal(problemsOf(list('')).length, 1);
});
refused(
  'a selector that matches no vantage',
  '  - { target: "https://x.example", from: [agnet] }',
  'targets[1].from[0]: "agnet" matches no vantage; did you mean "agent"?',
);
refusedList(
  'a selector of the defaults that matches no vantage, once',
  `${agent}defaults: { inside: { from: [b] } }\ntargets: ["http://x", "http://y"]`,
  ['list.yaml:2 defaults.inside.from[0]: "b" matches no vantage; did you mean "a"?'],
);
refusedList(
  'a selector of an endpoint that matches no vantage',
  `${agent}remote_write: [{ url: "http://p/push", from: [kind=lambda] }]\ntargets: ["http://x"]`,
  ['list.yaml:2 remote_write[0].from[0]: "kind=lambda" matches no vantage'],
);
refusedList('targets without vantages', 'targets: ["http://x"]', [
  'list.yaml:1 vantages: the list has targets and no vantage; write for example `vantages: { laptop: { kind: agent } }`',
]);
refusedList(
  'a target of the inside without agents',
  'vantages: { eu-west-1: { kind: lambda } }\ntargets: ["http://shop.svc"]',
  [
    'list.yaml:2 targets[0]: is on the inside, and the list has no vantage of kind agent; write `side: outside`, or `from:`',
  ],
);
refusedList('a newer version, and says nothing else about it', 'version: 2\nvantage: { what: ever }', [
  /^list\.yaml:1 version: version 2 is newer than this program, which reads version 1; /,
]);
refusedList('duplicate keys', 'vantages: {}\nvantages: {}', ['list.yaml:2: the key "vantages" stands here twice']);
refusedList('several documents', 'version: 1\n---\nversion: 1', [/^list\.yaml:2: several documents in one file; /]);
refusedList('an unquoted reference inside braces, and says to quote it', 'a: { b: {{env:X}} }', [
  /^list\.yaml:1: put references in quotes: "\$\{env:NAME\}" /,
]);
refusedList('an unquoted reference inside brackets, and says to quote it', 'a: [ {{env:X}} ]', [
  /^list\.yaml:1: put references in quotes/,
]);
refusedList('an unknown tag', 'a: !x y', [/^list\.yaml:1: an unknown tag; /]);
refusedList('an alias without anchor', 'a: *b', [
  'list.yaml:1 a: an alias (*name) without an anchor (&name) before it',
]);
refused(
  'a name used twice, and gives both places',
  '  - { name: x, target: "https://x.example" }\n  - { name: x, target: "https://y.example" }',
  'targets[2].name: the name "x" is used twice; write another `name:` (the other is list.yaml:6)',
  firstLine + 1,
);
refused(
  'two checks of one name with the same instance',
  '  - { target: "http://x.svc", also: [http_post_2xx] }',
  'targets[1].also[0]: a second check with the instance "http://x.svc"; write another `instance:` (the other is list.yaml:6)',
);
refused(
  'a target without scheme or module',
  '  - db.example.com:5432',
  /^targets\[1\](?:\.target)?: a target without a scheme needs a module; write http:\/\/, /,
);
refused(
  'a target of an unknown scheme',
  '  - htps://x.example',
  /^targets\[1\]: no prober for htps:\/\/; did you mean https?:\/\/\?$/,
);
refused(
  'a target that its prober cannot use',
  '  - tcp://x.example',
  'targets[1]: not a target of the prober tcp; write for example tcp://HOST:PORT or tls://HOST:PORT; saw "tcp://x.example"',
);
refused(
  "a target of another prober's scheme",
  '  - { target: "tcp://x.example:1", module: http_2xx }',
  /^targets\[1\]\.target: not a target of the prober http; /,
);
refused(
  'a user name and password in a target, without repeating them',
  '  - https://user:hunter2@x.example',
  /^targets\[1\]: a user name or password in a target is not accepted; write them as basic_auth in the block of the prober, /,
);
for (const text of [
  ' https://user:hunter2@x.example',
  'https:///user:hunter2@x.example',
  'https:/user:hunter2@x.example',
  'https:\\\\\\\\user:hunter2@x.example',
  'https:user:hunter2@x.example',
  '//user:hunter2@x.example',
  'tcp://user:hunter2@x.example:1',
])
  test(`refused: a password in ${text}, without repeating it`, () => {
    const said = problemsOf(`vantages: { a: { kind: agent } }\ntargets: [{ target: ${JSON.stringify(text)} }]`).join();
    assert.match(said, /^list\.yaml:2 targets\[0\]/);
    assert.doesNotMatch(said, /hunter2/);
  });
refused(
  'an unknown module',
  '  - { target: "https://x.example", module: http_2x }',
  'targets[1].module: no module "http_2x"; did you mean "http_2xx"?',
);
refused(
  "a block of a prober that is not the module's",
  '  - { target: "https://x.example", tcp: { tls: true } }',
  'targets[1].tcp: does nothing here, since the module http_2xx is of the prober http',
);
refused(
  'an unknown entry of also',
  '  - { target: "http://x.svc", also: [mtr] }',
  'targets[1].also[0]: not a scheme, URL or module; saw "mtr"',
);
refused(
  'a label that a metric of the prober carries',
  '  - { target: "https://x.example", labels: { stage: x } }',
  'targets[1].labels.stage: metrics of this prober carry a label "stage" themselves; choose another name',
);
refused(
  'a label that failures carry',
  '  - { target: "https://x.example", labels: { reason: x } }',
  /^targets\[1\]\.labels\.reason: metrics of this prober/,
);
for (const name of ['job', 'instance', 'name'])
  refused(
    `the label ${name} among the labels of a target`,
    `  - { target: "https://x.example", labels: { ${name}: x } }`,
    new RegExp(`labels\\.${name}: the label "${name}" is set by its own key`),
  );
refused(
  'a label of a target that describes a vantage',
  '  - { target: "https://x.example", labels: { vantage_x: x } }',
  /labels\.vantage_x: labels that begin with vantage describe the vantage/,
);
refused(
  'a label that Prometheus keeps for itself',
  '  - { target: "https://x.example", labels: { __x: x } }',
  'targets[1].labels.__x: labels that begin with __ are kept for Prometheus itself',
);
refused(
  'a label that is none',
  '  - { target: "https://x.example", labels: { a-b: x } }',
  'targets[1].labels.a-b: not the name of a label; write letters, digits and _ only',
);
refusedList('a replica label', 'external_labels: { __replica__: a }', [
  'list.yaml:1 external_labels.__replica__: labels that begin with __ are kept for Prometheus itself',
]);
refusedList(
  'a label of a vantage that does not begin with vantage_',
  'vantages: { a: { kind: agent, labels: { cluster: x } } }\ntargets: ["http://x"]',
  ['list.yaml:1 vantages.a.labels.cluster: labels of a vantage begin with vantage_; write vantage_cluster'],
);
refusedList(
  'a label of a vantage that we set',
  'vantages: { a: { kind: agent, labels: { vantage_kind: x } } }\ntargets: ["http://x"]',
  ['list.yaml:1 vantages.a.labels.vantage_kind: is set by us; choose another name'],
);
refused(
  'an inside target that is not there',
  '  - { target: "https://x.example", inside: [db] }\n  - { name: dbs, target: "tcp://db:1" }',
  'targets[1].inside[0]: no target of the name "db"; did you mean "dbs"?',
);
refused(
  'an inside target that is on the outside',
  '  - { target: "https://x.example", inside: [y] }\n  - { name: y, target: "https://y.example" }',
  'targets[1].inside[0]: "y" is a target of the outside; write `side: inside` there (the other is list.yaml:7)',
);
refusedList(
  "keys of Prometheus's remote_write that we cannot honour",
  `${agent}remote_write:\n  - url: http://p/push\n    send_exemplars: true\n    queue_config: { max_shards: 5 }\n    sigv4: {}\ntargets: ["http://x"]`,
  [
    'list.yaml:4 remote_write[0].send_exemplars: not supported, take it out: there are no exemplars here',
    /^list\.yaml:5 remote_write\[0\]\.queue_config\.max_shards: not supported, take it out: /,
    /^list\.yaml:6 remote_write\[0\]\.sigv4: sigv4 is not supported yet/,
  ],
);
refusedList(
  'a reference to a secret where none is read',
  `${agent}targets:\n  - { target: "http://x", labels: { a: "{{env:X}}" } }`,
  [/^list\.yaml:3 targets\[0\]\.labels\.a: a reference to a secret is not read here/],
);
refused(
  'a value of the wrong kind, and says which is right',
  '  - { target: "https://x.example", from: agent }',
  'targets[1].from: must be a list; saw "agent"',
);
refused(
  'a target that is neither text nor mapping',
  '  - 5.5',
  /^targets\[1\]: a target without a scheme needs a module/,
);
refused('a target without target', '  - { name: x }', 'targets[1].target: missing; write a text');

test('config: tells of all problems at once, sorted by line, the first fifty and how many more', () => {
  const targets = Array.from({ length: 60 }, (_, index) => `  - { target: "https://x${index}.example", zzz: 1 }`).join(
    '\n',
  );
  const loaded = loadTexts([{ file: 'list.yaml', text: withTargets(targets) }], { probers });
  assert.equal(loaded.ok, false);
  assert.equal(loaded.problems.length, 50);
  assert.equal(loaded.more, 10);
  const lines = loaded.problems.map(({ line }) => line);
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
});

test('config: a name used twice in two files is refused with both places', () => {
  const base = 'vantages: { a: { kind: agent } }\ntargets: ["http://x"]';
  const loaded = loadTexts(
    [
      { file: 'a.yaml', text: base },
      { file: 'b.yaml', text: '\ntargets: ["http://x"]' },
    ],
    { probers },
  );
  assert.equal(loaded.ok, false);
  assert.deepEqual(loaded.problems.map(problemText), [
    'b.yaml:2 targets[0]: the name "x" is used twice; write another `name:` (the other is a.yaml:2)',
  ]);
});

test('config: a vantage, module or default in two files is refused with both places', () => {
  const text = 'vantages: { a: { kind: agent } }\nmodules: { m: { prober: http } }\ndefaults: { inside: {} }';
  const loaded = loadTexts(
    ['a.yaml', 'b.yaml'].map((file) => ({ file, text })),
    { probers },
  );
  assert.equal(loaded.ok, false);
  assert.deepEqual(loaded.problems.map(problemText), [
    'b.yaml:1 vantages.a: stands in two files (the other is a.yaml:1)',
    'b.yaml:2 modules.m: stands in two files (the other is a.yaml:2)',
    'b.yaml:3 defaults.inside: stands in two files (the other is a.yaml:3)',
  ]);
});

test('config: files that are not there are refused, and relative paths start from the list', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'list.yaml');
  await writeFile(join(folder, 'there.txt'), 'x');
  const list = (name: string) =>
    `vantages: { a: { kind: agent } }\ntargets:\n  - { target: "http://x", http: { body_file: ${name} } }\n`;
  await writeFile(file, list('not-there.txt'));
  const bad = await load([folder], { probers });
  assert.equal(bad.ok, false);
  assert.deepEqual(bad.problems.map(problemText), [
    `${file}:3 targets[0].http.body_file: there is no file "${join(folder, 'not-there.txt')}"`,
  ]);
  await writeFile(file, list('there.txt'));
  const fine = await load([folder], { probers });
  assert.equal(fine.ok, true);
  const settings = JSON.stringify(fine.compiled.checks[0]?.module.settings);
  assert.ok(settings.includes(join(folder, 'there.txt')));
});

test('config: a list that is not there, or a folder without one, is refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-config-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [path, expected] of [
    [join(folder, 'none.yaml'), 'there is no such file'],
    [folder, 'no *.yaml or *.yml file there'],
  ] as const) {
    const loaded = await load([path], { probers });
    assert.equal(loaded.ok, false);
    assert.deepEqual(loaded.problems.map(problemText), [`${path}: ${expected}`]);
  }
});
for (const [what, http, key] of [
  ['a password in a file', 'basic_auth: { username: u, password_file: /etc/hostname }', 'basic_auth.password_file'],
  ['a key in a file', 'tls_config: { cert_file: /etc/hostname, key_file: /etc/hostname }', 'tls_config.key_file'],
  ['a reference to a file', 'headers: { X: "{{file:/etc/hostname}}" }', 'headers.X'],
] as const)
  refusedList(
    `${what} at a Lambda vantage, which has no such file`,
    withReferences(
      `vantages: { eu-west-1: { kind: lambda } }\ntargets: [{ target: "https://x.example", http: { ${http} } }]`,
    ),
    [
      new RegExp(
        `^list\\.yaml:2 targets\\[0\\]\\.from: Lambda \\(vantage eu-west-1\\) has no such file as \`${key}\` names; write a reference such as "\\$\\{ssm:`,
      ),
    ],
  );
refusedList(
  'a password of a receiver in a file at a Lambda vantage',
  'vantages: { eu-west-1: { kind: lambda } }\nremote_write: [{ url: "https://p", bearer_token_file: /etc/hostname }]\ntargets: ["https://x.example"]',
  [
    /^list\.yaml:2 remote_write\[0\]\.bearer_token_file: Lambda \(vantage eu-west-1\) has no such file; write a reference/,
  ],
);
test('config: takes a certificate in a file at a Lambda vantage, since that travels along', async () => {
  await using authority = await authorityFile();
  const list = `vantages: { eu-west-1: { kind: lambda } }\ntargets: [{ target: "https://x.example", http: { tls_config: { ca_file: ${authority.path} } } }]`;
  assert.deepEqual(problemsOf(list), []);
});
