import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { otherSuite, parseAptSources, plannedPackages } from '../../scripts/apt-sources.ts';

const stanzas = `# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main
`;

test('apt sources: a stanza is read with its continued lines, switched-off ones and source ones are not', () => {
  assert.deepEqual(parseAptSources('debian.sources', stanzas), [
    {
      uris: 'http://mirror.example/debian',
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main', 'contrib'],
      signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
    },
  ]);
});

test('apt sources: the one-line style is read with its options', () => {
  const text = [
    '# deb http://off.example bookworm main',
    'deb-src http://sources.example bookworm main',
    'deb [arch=amd64 signed-by=/keys/a.gpg] https://mirror.example/debian bookworm main contrib # ours',
    'deb http://plain.example/debian bookworm main',
  ].join('\n');
  assert.deepEqual(parseAptSources('sources.list', text), [
    {
      uris: 'https://mirror.example/debian',
      suites: ['bookworm'],
      components: ['main', 'contrib'],
      signedBy: '/keys/a.gpg',
    },
    { uris: 'http://plain.example/debian', suites: ['bookworm'], components: ['main'] },
  ]);
});

test("apt sources: another suite comes from the machine's own mirror with the machine's own key", () => {
  const sources = [
    ...parseAptSources('a.list', 'deb https://vendor.example/apt any main'),
    ...parseAptSources('b.sources', stanzas),
  ];
  assert.equal(
    otherSuite(sources, 'bookworm', 'sid'),
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
  );
  assert.equal(otherSuite(sources, 'trixie', 'sid'), undefined);
});

test('apt sources: a key that stands in the stanza itself is kept line by line', () => {
  const text =
    'Types: deb\nURIs: http://m.example\nSuites: stable\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n abc\n';
  assert.match(
    otherSuite(parseAptSources('x.sources', text), 'bookworm', 'sid') ?? '',
    /Signed-By: \n -----BEGIN PGP\n \.\n abc\n$/,
  );
});

test('apt sources: no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.constantFrom('x.list', 'x.sources'), fc.string(), (name, text) => {
      parseAptSources(name, text);
    }),
  );
});

test('apt sources: what a simulated installation would unpack is read with its versions', () => {
  const text =
    'NOTE: just a simulation\nInst libuv1 (1.44.2-1 Debian:12 [amd64])\nInst libssl3 [3.0.1] (3.0.2 Debian:12 [amd64])\nConf libuv1 (1.44.2-1 Debian:12 [amd64])\n';
  assert.deepEqual(plannedPackages(text), ['libuv1=1.44.2-1', 'libssl3=3.0.2']);
});
