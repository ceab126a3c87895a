import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Asked, Reached } from './forbidden-worker.ts';
import { type Lab, labFor } from './lab.ts';

const worker = fileURLToPath(new URL('forbidden-worker.ts', import.meta.url));

const ask = async (lab: Lab, asked: Asked): Promise<readonly Reached[]> => {
  const said = await lab.feed('src', [process.execPath, worker], JSON.stringify(asked));
  assert.equal(said.code, 0, said.stderr);
  // safe: the other half of this file's own making
  return JSON.parse(said.stdout) as Reached[];
};

const bare = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

/** Gives the source an address of its own, at which a server answers. */
const add = async (lab: Lab, hosts: readonly string[]) => {
  for (const host of hosts)
    await lab.ip('src', 'addr', 'add', `${bare(host)}/${host.includes(':') ? 128 : 32}`, 'dev', 'lo');
};

/** Metadata services, and addresses that a network may route to one: NAT64, 6to4, Teredo, ISATAP, and those of clouds. */
const metadata = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.42.42',
  '169.254.0.23',
  '168.63.129.16',
  '100.100.100.200',
  '[fd00:ec2::254]',
  '[fd20:ce::254]',
  '[fd00:c1::a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::a9fe:a9fe]',
  '[64:ff9b:1:a9fe:a9:fe00::]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:a9fe:a9fe::1]',
  '[2001:db8::5efe:a9fe:a9fe]',
  '[2001:db8:64::a9fe:a9fe]',
];

const linkLocal = ['169.254.10.1', '[64:ff9b::a9fe:a01]', '[2002:a9fe:a01::1]'];

test('forbidden: metadata services that do answer are reached by no prober, no redirect and no setting', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await add(lab, metadata);
  for (const reached of await ask(lab, { hosts: metadata, linkLocal: true })) {
    assert.equal(reached.plain, 200, `${reached.host} answers others`);
    for (const [way, got] of Object.entries(reached.probed))
      assert.match(got, way === 'redirect' ? /^blocked_address$/ : /is a metadata service/, `${way} ${reached.host}`);
  }
});

test('forbidden: link-local addresses are reached where the target says so, and nowhere else', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await add(lab, linkLocal);
  for (const reached of await ask(lab, { hosts: linkLocal, linkLocal: false })) {
    assert.equal(reached.plain, 200, `${reached.host} answers others`);
    for (const [way, got] of Object.entries(reached.probed))
      assert.match(got, way === 'redirect' ? /^blocked_address$/ : /is a link-local address/, `${way} ${reached.host}`);
  }
  for (const { host, probed } of await ask(lab, { hosts: linkLocal, linkLocal: true }))
    for (const way of ['http', 'tcp', 'icmp', 'redirect']) assert.equal(probed[way], 'good', `${way} ${host}`);
});
