import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type Evidence, verdictOf } from '../../src/net/verdict.ts';
import { chain, issue, type Wanted } from '../servers/certificates.ts';

const certificate = async (wanted: Wanted) => new X509Certificate((await issue(wanted)).cert);

const verdict = (evidence: Partial<Evidence> & Pick<Evidence, 'presented'>) =>
  verdictOf({ authorized: true, code: '', namesCa: false, name: 'localhost', now: Date.now(), ...evidence });

const reasons = (evidence: Parameters<typeof verdict>[0]) => verdict(evidence).map(({ reason }) => reason);

test('verdict: authorized and rightly named is the only way to an empty one', async () => {
  const presented = [new X509Certificate((await chain()).leaf.cert)];
  assert.deepEqual(verdict({ presented }), []);
  for (const code of ['', 'null', 'undefined', 'X509_V_OK', 'A_CODE_OF_A_LATER_OPENSSL'])
    assert.deepEqual(reasons({ presented, authorized: false, code }), ['tls_invalid_certificate'], code);
});

test('verdict: no certificate at all is not to be trusted, whatever else was found', () => {
  assert.deepEqual(reasons({ presented: [] }), ['tls_invalid_certificate']);
});

test("verdict: each of OpenSSL's objections has its reason", async () => {
  const presented = [new X509Certificate((await chain()).leaf.cert)];
  const expected = {
    CERT_HAS_EXPIRED: 'tls_expired',
    CERT_NOT_YET_VALID: 'tls_not_yet_valid',
    DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_self_signed',
    SELF_SIGNED_CERT_IN_CHAIN: 'tls_unknown_issuer',
    UNABLE_TO_GET_ISSUER_CERT: 'tls_unknown_issuer',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_unknown_issuer',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_unknown_issuer',
    CERT_SIGNATURE_FAILURE: 'tls_invalid_certificate',
    INVALID_PURPOSE: 'tls_invalid_certificate',
  };
  for (const [code, reason] of Object.entries(expected))
    assert.deepEqual(reasons({ presented, authorized: false, code }), [reason], code);
});

test('verdict: a leaf alone lacks its intermediate where that can be fetched, or a CA is named; else its CA is private', async () => {
  const { leaf, intermediate } = await chain();
  const [own, issuer] = [new X509Certificate(leaf.cert), new X509Certificate(intermediate.cert)];
  const publicLeaf = await certificate({
    names: ['localhost'],
    issuer: intermediate,
    caIssuers: 'http://ca.example/i.crt',
  });
  const code = 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY';
  const reasonOf = (presented: readonly X509Certificate[], namesCa: boolean) =>
    reasons({ presented, authorized: false, code, namesCa });
  assert.deepEqual(reasonOf([own], false), ['tls_unknown_issuer']);
  assert.deepEqual(reasonOf([own], true), ['tls_incomplete_chain']);
  assert.deepEqual(reasonOf([publicLeaf], false), ['tls_incomplete_chain']);
  assert.deepEqual(reasonOf([publicLeaf, issuer], false), ['tls_unknown_issuer']);
  assert.match(verdict({ presented: [own], authorized: false, code })[0]?.detail ?? '', /private CA in ca_file/);
});

test('verdict: the detail names the certificate that has expired, and no other', async () => {
  const sound = await certificate({ subject: 'CN=sound', names: ['localhost'] });
  const expired = await certificate({ subject: 'CN=old', notBefore: -9, notAfter: -2 });
  const evidence = { authorized: false, code: 'CERT_HAS_EXPIRED' };
  assert.match(verdict({ ...evidence, presented: [sound, expired] })[0]?.detail ?? '', /CN=old expired on \d{4}-/);
  assert.match(verdict({ ...evidence, presented: [sound] })[0]?.detail ?? '', /trusted authority/);
});

test('verdict: a wildcard stands for one whole label', async () => {
  const presented = [await certificate({ names: ['*.example.org', 'f*.example.com', '192.0.2.1'] })];
  for (const name of ['a.example.org', 'A.EXAMPLE.ORG', '192.0.2.1'])
    assert.deepEqual(reasons({ presented, name }), [], name);
  const wrong = [
    'example.org',
    'a.b.example.org',
    '.example.org',
    '',
    'foo.example.com',
    'a\0.example.org',
    '192.0.2.2',
  ];
  for (const name of wrong) assert.deepEqual(reasons({ presented, name }), ['tls_name_mismatch'], name);
});

test('verdict: an address with a zone is compared without it', async () => {
  const presented = [await certificate({ names: ['fe80::1'] })];
  assert.deepEqual(reasons({ presented, name: 'fe80::1%eth0' }), []);
  assert.deepEqual(reasons({ presented, name: 'fe80::2%eth0' }), ['tls_name_mismatch']);
});

test('verdict: an answer for one name is no answer for another', async () => {
  const presented = [await certificate({ names: ['a.example'] })];
  for (const [name, expected] of [
    ['a.example', []],
    ['b.example', ['tls_name_mismatch']],
    ['a.example', []],
    ['b.example', ['tls_name_mismatch']],
  ] as const)
    assert.deepEqual(reasons({ presented, name }), expected);
});
