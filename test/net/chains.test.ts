import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { verifiedChains } from '../../src/net/chains.ts';
import type { Root } from '../../src/net/trust.ts';
import { chain, type Issued, issue } from '../servers/certificates.ts';

const read = ({ cert }: Issued) => new X509Certificate(cert);
const rootOf = (issued: Issued): Root => ({ certificate: read(issued), subject: read(issued).subject });
const shown = (chains: X509Certificate[][]) =>
  chains.map((one) => one.map(({ subject }) => subject.replace('CN=', '')).join(' < '));

test('chains: a leaf leads over its intermediate to the root, sent or not, in any order, strangers aside', async () => {
  const { root, intermediate, leaf } = await chain();
  const stranger = await issue({ subject: 'CN=Stranger', ca: true });
  const expected = ['localhost < Test Intermediate < Test Root'];
  for (const sent of [
    [intermediate],
    [intermediate, root],
    [stranger, root, intermediate],
    [intermediate, intermediate],
  ])
    assert.deepEqual(shown(verifiedChains([leaf, ...sent].map(read), [rootOf(root)])).slice(0, 1), expected);
});

test('chains: without the intermediate, or with a root of the same name and another key, there is none', async () => {
  const { root, intermediate, leaf } = await chain();
  const namesake = await issue({ subject: root.subject, ca: true });
  assert.deepEqual(verifiedChains([leaf].map(read), [rootOf(root)]), []);
  assert.deepEqual(verifiedChains([leaf, intermediate].map(read), [rootOf(namesake)]), []);
  assert.deepEqual(verifiedChains([leaf, intermediate].map(read), []), []);
  assert.deepEqual(verifiedChains([], [rootOf(root)]), []);
});

test('chains: a cross-signed intermediate gives a chain by each issuer', async () => {
  const [first, second] = [await issue({ subject: 'CN=A', ca: true }), await issue({ subject: 'CN=B', ca: true })];
  const { keys, ...byFirst } = await issue({ subject: 'CN=X', ca: true, issuer: first });
  const bySecond = await issue({ subject: 'CN=X', ca: true, issuer: second, keys });
  const leaf = await issue({ subject: 'CN=leaf', issuer: { ...byFirst, keys } });
  const chains = verifiedChains([leaf, { ...byFirst, keys }, bySecond].map(read), [rootOf(first), rootOf(second)]);
  assert.deepEqual(shown(chains).sort(), ['leaf < X < A', 'leaf < X < B']);
});

test('chains: a trusted certificate that signed itself is a chain of its own', async () => {
  const alone = await issue({ subject: 'CN=alone', ca: true });
  assert.deepEqual(shown(verifiedChains([read(alone)], [rootOf(alone)])), ['alone']);
});

test('chains: a hostile mesh of authorities that sign each other ends', async () => {
  const root = await issue({ subject: 'CN=Root', ca: true });
  const names = Array.from({ length: 5 }, (_, index) => `CN=M${index}`);
  const owners = await Promise.all(names.map((subject) => issue({ subject, ca: true, issuer: root })));
  const mesh = await Promise.all(
    owners.flatMap((issuer) => owners.map(({ subject, keys }) => issue({ subject, keys, ca: true, issuer }))),
  );
  const [first] = owners;
  assert.ok(first !== undefined);
  const leaf = await issue({ subject: 'CN=leaf', issuer: first });
  const chains = verifiedChains([leaf, ...mesh].map(read), [rootOf(root)]);
  assert.deepEqual(chains, []);
  const found = verifiedChains([leaf, ...owners, ...mesh].map(read), [rootOf(root)]);
  assert.ok(shown(found).includes('leaf < M0 < Root') && found.length <= 32);
});
