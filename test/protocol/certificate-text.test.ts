import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { distinguishedName, dnsNames } from '../../src/protocol/certificate-text.ts';

test('certificate-text: a name is written in the order of Go, whatever its own', () => {
  const lines = 'C=US\nST=California\nL=San Francisco\nO=Example\nOU=a\nOU=b\nCN=shop.example';
  assert.equal(distinguishedName(lines), 'CN=shop.example,OU=a+OU=b,O=Example,L=San Francisco,ST=California,C=US');
  assert.equal(
    distinguishedName(lines.split('\n').reverse().join('\n')),
    distinguishedName(lines).replace('a+OU=b', 'b+OU=a'),
  );
});

// What blackbox_exporter 0.28.0 showed for certificates whose subjects Node printed so.
const seen = [
  [
    'businessCategory=Private Organization\njurisdictionC=US\nserialNumber=123\nC=US\nstreet=1 Main St\npostalCode=94107\nCN=first\nCN=second',
    'SERIALNUMBER=123,CN=second,POSTALCODE=94107,STREET=1 Main St,C=US,1.3.6.1.4.1.311.60.2.1.3=US,2.5.4.15=Private Organization',
  ],
  ['O=\\#lead\\; \\"q\\" \\<x\\>\nCN=a', 'CN=a,O=\\#lead\\; \\"q\\" \\<x\\>'],
  ['O=A\nCN=x + OU=y', 'CN=x,OU=y,O=A'],
  ['O=Acme\\, Inc \\+ Söhne', 'O=Acme\\, Inc \\+ Söhne'],
  ['CN=tab\\09x', 'CN=tab\tx'],
  [
    'emailAddress=a@b.test\nDC=x\nDC=y\nCN=z',
    'CN=z,0.9.2342.19200300.100.1.25=y,0.9.2342.19200300.100.1.25=x,1.2.840.113549.1.9.1=a@b.test',
  ],
  ['1.2.3.4=odd\nCN=z', 'CN=z,1.2.3.4=odd'],
  ['', ''],
] as const;

test('certificate-text: a name reads as blackbox_exporter shows it', () => {
  for (const [lines, expected] of seen) assert.equal(distinguishedName(lines), expected);
});

test('certificate-text: DNS names are picked from among the alternatives', () => {
  assert.deepEqual(dnsNames('DNS:a.example, IP Address:192.0.2.1, email:x@a.example, DNS:*.b.example'), [
    'a.example',
    '*.b.example',
  ]);
  assert.deepEqual(dnsNames(''), []);
});

test('certificate-text: a value in quotes cannot pass for another entry', () => {
  assert.deepEqual(dnsNames('URI:"http://a/, DNS:evil.example", DNS:good.example'), ['good.example']);
  assert.deepEqual(dnsNames('email:"a\\", DNS:evil.example, DNS:x'), []);
});

test('certificate-text: no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      distinguishedName(text);
      dnsNames(text);
    }),
  );
});
