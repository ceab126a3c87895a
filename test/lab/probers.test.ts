import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../servers/peers.ts';
import { addresses, badHosts, bothways, type Lab, labFor } from './lab.ts';

type Said = {
  readonly success: boolean;
  readonly failures: readonly { readonly reason: string; readonly phase: string; readonly detail: string }[];
  readonly metrics: readonly {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly value: number;
  }[];
};

/** `bothways probe` in the source, by nobody who may nothing; the module is written as YAML's JSON. */
const probe = async (
  lab: Lab,
  target: string,
  settings: Record<string, unknown> = {},
  timeout = '3s',
): Promise<Said> => {
  const prober = target.split(/[:+]/, 1)[0] ?? '';
  const what = { name: 'it', names: ['network_exporter'], profile: 'full', target, timeout, interval: '4m' };
  const link = target.includes('[fe80') ? { link_local: 'allow' } : {};
  const list = { vantages: { lab: { kind: 'agent' } }, targets: [{ ...what, ...link, [prober]: settings }] };
  const words = [
    'sh',
    '-c',
    `file=$(mktemp) && cat > "$file" && ${bothways.join(' ')} probe it --config "$file" --json; rm "$file"`,
  ];
  const said = await lab.feed('src', words, JSON.stringify(list), true);
  try {
    // safe: what the command prints, looked at field by field below
    return JSON.parse(said.stdout) as Said;
  } catch {
    return assert.fail(`${said.stdout}${said.stderr}`);
  }
};

const sampleOf = ({ metrics }: Said, name: string, labels: Record<string, string> = {}) =>
  metrics.find(
    (each) => each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  )?.value;

const failed = (said: Said, reason: string, phase: string, detail: RegExp) => {
  assert.deepEqual(
    said.failures.map((each) => [each.reason, each.phase]),
    [[reason, phase]],
    JSON.stringify(said.failures),
  );
  assert.match(said.failures[0]?.detail ?? '', detail);
};

test('icmp: a host that answers succeeds, with phases, hop limit and round trip', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  for (const family of [4, 6] as const) {
    const said = await probe(lab, `icmp://${family === 6 ? `[${addresses.target(6)}]` : addresses.target(4)}`);
    assert.deepEqual(said.failures, []);
    assert.equal(sampleOf(said, 'probe_ip_protocol'), family);
    assert.equal(sampleOf(said, 'probe_icmp_reply_hop_limit'), 58);
    const rtt = sampleOf(said, 'probe_icmp_duration_seconds', { phase: 'rtt' }) ?? 0;
    assert.ok(rtt > 0 && rtt < 1);
    assert.equal(sampleOf(said, 'probe_icmp_rtt_seconds', { stat: 'median' }), rtt);
    assert.equal(sampleOf(said, 'probe_icmp_loss_ratio'), 0);
  }
});

test('icmp: silence gives reason no_reply, and costs the time limit', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const said = await probe(lab, `icmp://${addresses.blackHole(4)}`, {}, '500ms');
  failed(said, 'no_reply', 'processing', /no echo reply from 10\.96\.0\.1 within the time limit/);
  assert.equal(sampleOf(said, 'probe_icmp_loss_ratio'), 1);
  assert.equal(sampleOf(said, 'probe_icmp_rtt_seconds'), undefined);
});

test('icmp: an unreachable host is told by its router at once, with reason unreachable', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r5', 'route', 'replace', 'prohibit', '10.99.0.0/21');
  const said = await probe(lab, `icmp://${addresses.target(4)}`, {}, '60s');
  failed(
    said,
    'unreachable',
    'processing',
    /^10\.20\.4\.2 says: communication prohibited \(type 3, code 13\), about 10\.99\.0\.1$/,
  );
});

test('icmp: a time to live that ends on the way gives reason ttl_exceeded with the router', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const said = await probe(lab, `icmp://${addresses.target(4)}`, { ttl: 3 });
  failed(said, 'ttl_exceeded', 'processing', /ended at 10\.20\.2\.2, on the way to 10\.99\.0\.1/);
});

test('icmp: a packet that may not be cut gives reason packet_too_big with the size of the link', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r3', 'link', 'set', 'to-r4', 'mtu', '1400');
  const said = await probe(lab, `icmp://${addresses.target(4)}`, { dont_fragment: true, payload_size: 1_440 });
  failed(said, 'packet_too_big', 'request', /a link behind 10\.20\.2\.2 carries packets of 1400 bytes only/);
});

test('icmp: a burst counts what was lost, and above its limit gives reason packet_loss', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules('peer', 'input', 'icmp type echo-request numgen inc mod 4 == 0 drop');
  const burst = { count: 8, interval: '20ms', reply_timeout: '300ms' };
  const good = await probe(lab, `icmp://${addresses.peer(4)}`, { ...burst, max_loss_ratio: 0.25 });
  assert.deepEqual(good.failures, []);
  assert.equal(sampleOf(good, 'probe_icmp_loss_ratio'), 0.25);
  assert.equal(sampleOf(good, 'probe_icmp_packets_sent_total'), 8);
  assert.equal(sampleOf(good, 'probe_icmp_packets_received_total'), 6);
  const bad = await probe(lab, `icmp://${addresses.peer(4)}`, { ...burst, max_loss_ratio: 0.2 });
  failed(bad, 'packet_loss', 'check', /2 of 8 packets to 10\.98\.0\.1 were lost, more than 20 %/);
});

test('icmp: late and repeated replies of a burst are counted apart from lost ones', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await using _hosts = await badHosts(lab, { 2: { times: 3 }, 3: { delayMs: 300 } });
  const burst = { count: 4, interval: '200ms', reply_timeout: '200ms' };
  const late = await probe(lab, 'icmp://10.97.0.3', burst);
  failed(late, 'no_reply', 'processing', /10\.97\.0\.3/);
  // The last one comes after the run, which a next run would say.
  assert.equal(sampleOf(late, 'probe_icmp_packets_late_total'), 3);
  const tripled = await probe(lab, 'icmp://10.97.0.2', burst);
  assert.deepEqual(tripled.failures, []);
  assert.ok((sampleOf(tripled, 'probe_icmp_packets_duplicate_total') ?? 0) >= 6);
});

test('icmp: with ping sockets closed the reason is icmp_not_permitted, and says which sysctl', async (t) => {
  await using lab = await labFor(t, { ping: false });
  if (lab === undefined) return;
  const detail = /EACCES.*net\.ipv4\.ping_group_range/;
  failed(await probe(lab, `icmp://${addresses.peer(4)}`), 'icmp_not_permitted', 'setup', detail);
  failed(await probe(lab, `mtr://${addresses.peer(4)}`), 'icmp_not_permitted', 'setup', detail);
});

test('icmp: a source address that is not there gives reason source_address_unavailable', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const said = await probe(lab, `icmp://${addresses.peer(4)}`, { source_ip_address: '192.0.2.1' });
  failed(
    said,
    'source_address_unavailable',
    'request',
    /^192\.0\.2\.1: this host does not have this source address \(ENETUNREACH\)/,
  );
});

test('icmp, mtr: each local cause has one clear sentence with what to write', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  const invalid = 'target_invalid';
  for (const [host, reason, phase, detail] of [
    ['0.0.0.0', invalid, 'setup', /^0\.0\.0\.0: this is the unspecified address, .*; write the address of a host$/],
    ['[::]', invalid, 'setup', /^::: this is the unspecified address/],
    ['224.0.0.1', invalid, 'setup', /^224\.0\.0\.1: this is a multicast address, .*; write the address of one host$/],
    ['[ff02::1]', invalid, 'setup', /^ff02::1: this is a multicast address/],
    ['[fe80::1%nosuch]', invalid, 'setup', /has no interface nosuch .*; write one of to-r1, to-peer|to-peer, to-r1/],
    ['[fe80::1%77]', invalid, 'setup', /this host has no interface 77/],
    ['[fe80::1]', invalid, 'setup', /^fe80::1: an address of a link needs an interface; write one of/],
    ['10.20.0.255', invalid, 'request', /^10\.20\.0\.255: this is a broadcast address, .* \(EACCES\)$/],
    ['255.255.255.255', invalid, 'setup', /this is a broadcast address/],
    [
      '203.0.113.1',
      'unreachable',
      'request',
      /^203\.0\.113\.1: this host has no route to it; add a route, .*\(ENETUNREACH\)$/,
    ],
    ['[2001:db8::1]', 'unreachable', 'request', /^2001:db8::1: this host has no route to it/],
  ] as const) {
    failed(await probe(lab, `icmp://${host}`), reason, phase, detail);
    if (host.endsWith('.1') || host.includes('nosuch'))
      failed(await probe(lab, `mtr://${host}`, quick, '10s'), reason, phase, detail);
  }
  await lab.ip('src', 'route', 'add', 'prohibit', '203.0.113.1');
  await lab.ip('src', 'route', 'add', 'unreachable', '203.0.113.2');
  await lab.ip('src', 'route', 'add', 'blackhole', '203.0.113.3');
  await using _fault = await lab.rules('src', 'output', 'ip daddr 10.98.0.1 drop');
  for (const [host, detail] of [
    ['203.0.113.1', /: a route of this host prohibits it; .*\(EACCES\)$/],
    ['203.0.113.2', /: a route of this host says that it is unreachable; .*\(EHOSTUNREACH\)$/],
    ['203.0.113.3', /: a route of this host discards it, .*\(EINVAL\)$/],
    [addresses.peer(4), /: a packet filter of this host drops what is sent to it; .*\(EPERM\)$/],
  ] as const)
    failed(await probe(lab, `icmp://${host}`), 'unreachable', 'request', detail);
  // A source address of this host is not the cause.
  const own = { source_ip_address: '10.20.0.1' };
  failed(await probe(lab, 'icmp://198.51.100.1', own), 'unreachable', 'request', /this host has no route to it/);
  const dead = await probe(lab, `icmp://${addresses.nobody(4)}`, {}, '8s');
  failed(
    dead,
    'unreachable',
    'processing',
    /: the next hop does not answer on the link of this host; .*host unreachable/,
  );
});

test('icmp: where there is no route, network_exporter has a loss of 1', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const burst = { count: 3, interval: '20ms', reply_timeout: '200ms' };
  const ping = await probe(lab, 'icmp://203.0.113.1', burst);
  assert.deepEqual([sampleOf(ping, 'ping_loss_percent'), sampleOf(ping, 'ping_status')], [1, 0]);
  assert.equal(sampleOf(ping, 'probe_icmp_loss_ratio'), undefined);
  const path = await probe(lab, 'mtr://203.0.113.1', quick, '10s');
  assert.equal(sampleOf(path, 'mtr_rtt_seconds', { type: 'loss' }), 1);
  assert.equal(sampleOf(path, 'probe_mtr_hop_loss_ratio'), undefined);
  const name = await probe(lab, 'icmp://no-such-name.invalid', {}, '10s');
  assert.deepEqual([sampleOf(name, 'ping_status'), sampleOf(name, 'ping_loss_percent')], [0, 1]);
});

const quick = { count: 2, interval: '200ms', reply_timeout: '400ms' };

test('mtr: a path is told with its hops, end, hash and packets', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const said = await probe(lab, `mtr://${addresses.target(4)}`, quick, '10s');
  assert.deepEqual(said.failures, []);
  assert.equal(sampleOf(said, 'probe_mtr_hops'), 7);
  assert.equal(sampleOf(said, 'probe_mtr_last_hop'), 7);
  assert.equal(sampleOf(said, 'probe_mtr_end_state', { state: 'reached' }), 1);
  assert.equal(sampleOf(said, 'probe_mtr_end_state', { state: 'silent' }), 0);
  assert.equal(sampleOf(said, 'probe_mtr_loss_ratio'), 0);
  assert.equal(sampleOf(said, 'probe_mtr_hop_info', { ttl: '03', hop_ip: addresses.router(3, 4) }), 1);
  assert.equal(sampleOf(said, 'probe_mtr_hop_loss_ratio', { ttl: '07' }), 0);
  assert.equal(sampleOf(said, 'mtr_hops', { target: addresses.target(4) }), 7);
  assert.equal(sampleOf(said, 'mtr_rtt_snt_count', { ttl: '7', path: addresses.target(4) }), 2);
});

test('mtr: by TCP and UDP a path leads to the port', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  for (const target of [`mtr+tcp://${addresses.target(4)}:443`, `mtr+udp://${addresses.target(4)}:33434`]) {
    const said = await probe(lab, target, quick, '10s');
    assert.deepEqual([said.failures, sampleOf(said, 'probe_mtr_hops')], [[], 7]);
  }
});

test('mtr: a dead target gives reason path_silent with the last hop that answered', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r5', 'route', 'replace', 'blackhole', '10.99.0.0/21');
  const said = await probe(lab, `mtr://${addresses.target(4)}`, quick, '10s');
  failed(said, 'path_silent', 'processing', /hop 4, 10\.20\.3\.2, was the last that answered/);
  assert.equal(sampleOf(said, 'probe_mtr_hops'), 5);
  assert.equal(sampleOf(said, 'probe_mtr_last_hop'), 4);
});

test('mtr: a circle gives reason routing_loop with its routers', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r5', 'route', 'replace', '10.99.0.0/21', 'via', '10.20.4.1');
  const said = await probe(lab, `mtr://${addresses.target(4)}`, quick, '10s');
  failed(
    said,
    'routing_loop',
    'processing',
    /10\.20\.\d\.\d and 10\.20\.\d\.\d hand packets for 10\.99\.0\.1 to each other/,
  );
});

test('mtr: a target behind more hops than allowed gives reason ttl_exceeded', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const said = await probe(lab, `mtr://${addresses.target(4)}`, { ...quick, max_hops: 4 }, '10s');
  failed(said, 'ttl_exceeded', 'processing', /not reached within 4 hops; hop 4, 10\.20\.3\.2/);
  assert.equal(sampleOf(said, 'probe_mtr_end_state', { state: 'max_hops' }), 1);
});

test('mtr: an unreachable target ends at the router that says so, with reason unreachable', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r5', 'route', 'replace', 'unreachable', '10.99.0.0/21');
  const said = await probe(lab, `mtr://${addresses.target(4)}`, quick, '10s');
  failed(said, 'unreachable', 'processing', /^10\.20\.4\.2 says: host unreachable \(type 3, code 1\)/);
});

test('agent: what it may not send is said when it starts, by its log and by its metrics', async (t) => {
  await using lab = await labFor(t, { ping: false });
  if (lab === undefined) return;
  const list = {
    vantages: { lab: { kind: 'agent' } },
    targets: [{ name: 'it', side: 'inside', target: `icmp://${addresses.peer(4)}`, interval: '1s', timeout: '500ms' }],
  };
  const script = [
    'file=$(mktemp); cat > "$file"',
    '"$0" "$1" agent --config "$file" --listen 127.0.0.1:9115 & agent=$!',
    '"$0" -e "$2"',
    'kill $agent; wait $agent; rm "$file"',
  ].join('\n');
  const ask = `
    const until = Date.now() + 20_000;
    for (;;) {
      const text = await fetch('http://127.0.0.1:9115/metrics').then((one) => one.text(), () => '');
      if (/outcome="failed"} [1-9]/.test(text) || Date.now() > until) { console.log(text); break; }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }`;
  const said = await lab.feed('src', ['sh', '-c', script, ...bothways, ask], JSON.stringify(list), true);
  assert.match(said.stderr, /"level":"warn","msg":"pings and paths may fail: .*EACCES.*ping_group_range/);
  assert.match(said.stdout, /^bothways_icmp_mode_info\{mode="none",protocol="icmp4"\} 1$/m);
  assert.match(said.stdout, /^bothways_icmp_mode_info\{mode="dgram",protocol="udp"\} 1$/m);
  assert.match(said.stderr, /it .* fails: icmp_not_permitted/);
});
