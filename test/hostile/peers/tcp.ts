import type { Socket } from 'node:net';
import { at, type HostilePeer } from '../peer.ts';
import { flood, tcpPeer, trickle } from '../serving.ts';

type Step = Readonly<Record<string, unknown>>;
const steps = (...query_response: readonly Step[]) => ({ prober: 'tcp', tcp: { query_response } }) as const;
const expects = steps({ expect: '^220 ready$' });
const startTls = steps(
  { expect: '^220 ' },
  { send: 'STARTTLS' },
  { expect: '^220 ', starttls: true },
  { send: 'EHLO' },
  { expect: '^250' },
);

const peer = (
  name: string,
  does: string,
  onConnection: (socket: Socket) => void,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => ({
  name,
  group: 'tcp',
  does,
  serve: () => tcpPeer(onConnection),
  target: at.tcp,
  module: expects,
  expect,
  ...more,
});

/** A mail server up to STARTTLS. */
const mail = (onStartTls: (socket: Socket) => void) => (socket: Socket) => {
  socket.write('220 mail\r\n');
  socket.once('data', () => onStartTls(socket));
};

/** Peers of a dialogue that say too much, too little, or something else. */
export const tcpPeers: readonly HostilePeer[] = [
  peer(
    'tcp-honest',
    'what is expected, to show that the server can',
    (socket) => void socket.write('220 ready\r\n'),
    ['good'],
    { inTests: true },
  ),
  peer('tcp-silent', 'nothing', () => {}, ['timeout']),
  peer(
    'tcp-no-line-feed',
    'the banner without the end of its line',
    (socket) => void socket.write('220 ready'),
    ['timeout'],
    { inTests: true },
  ),
  peer('tcp-trickle', 'a byte of the banner every 50 ms, and then more of it', (socket) => trickle(socket, () => '2'), [
    'timeout',
  ]),
  peer('tcp-line-of-64k', 'one line of 80 kB', (socket) => void socket.write(`220 ${'x'.repeat(80_000)}\r\n`), [
    'protocol_error',
    'expect_mismatch',
    'timeout',
  ]),
  peer(
    'tcp-line-flood',
    'one line at full speed that never ends',
    (socket) => flood(socket, 'x'.repeat(1_024)),
    ['protocol_error'],
    { inTests: true },
  ),
  peer(
    'tcp-lines-flood',
    'lines at full speed that do not match',
    (socket) => flood(socket, '221 not yet\r\n'.repeat(64)),
    ['expect_mismatch', 'timeout'],
    { alone: true },
  ),
  peer(
    'tcp-empty-lines',
    'line feeds at full speed',
    (socket) => flood(socket, '\n'.repeat(4_096)),
    ['expect_mismatch', 'timeout'],
    { alone: true },
  ),
  peer(
    'tcp-line-x-thousand',
    'lines of 60 kB against `1[01]{1000}2`',
    (socket) => flood(socket, `${'10'.repeat(30_000)}\n`),
    ['expect_mismatch', 'timeout'],
    { module: steps({ expect: '1[01]{1000}2' }), alone: true },
  ),
  peer(
    'tcp-binary',
    'binary rubbish',
    (socket) => void socket.write(Buffer.from(Array.from({ length: 4_000 }, (_, index) => (index * 7) & 255))),
    ['timeout'],
  ),
  peer('tcp-fin', 'half a banner and the end', (socket) => void socket.end('220 rea'), ['expect_mismatch'], {
    inTests: true,
  }),
  peer('tcp-fin-at-once', 'the end', (socket) => void socket.end(), ['connection_closed'], { inTests: true }),
  peer(
    'tcp-reset',
    'half a banner and a reset',
    (socket) => void socket.write('220 rea', () => setTimeout(() => socket.resetAndDestroy(), 50)),
    ['connection_reset'],
    { inTests: true },
  ),
  peer(
    'tcp-half-closed',
    'closes its half, which the dialogue needs no more',
    (socket) => void socket.end('220 ready\r\n'),
    ['good'],
  ),
  peer(
    'tcp-escape',
    'a banner with escape sequences, kept as a label',
    (socket) => void socket.write('220 \u001b]0;owned\u0007\u001b[2J\u0085\u202e\r\n'),
    ['good'],
    {
      module: steps({ expect: '^220 (.*)$', labels: [{ name: 'banner', value: '$1' }] }),
      inTests: true,
    },
  ),
  peer(
    'tcp-long-label',
    'a banner of 60 kB, kept as a label',
    (socket) => void socket.write(`220 ${'é'.repeat(30_000)}\r\n`),
    ['good'],
    {
      module: steps({ expect: '^220 (.*)$', labels: [{ name: 'banner', value: '$1' }] }),
    },
  ),
  peer(
    'tcp-not-utf8',
    'a banner that is not UTF-8, kept as a label',
    (socket) => void socket.write(Buffer.from('220 \xff\xfe\xc0\x80\r\n', 'latin1')),
    ['good'],
    {
      module: steps({ expect: '^220 (.*)$', labels: [{ name: 'banner', value: '$1' }] }),
    },
  ),
  peer(
    'tcp-echo-grows',
    'the banner holds what makes the next line grow',
    (socket) => {
      socket.write(`220 ${'$1'.repeat(20_000)}\r\n`);
      socket.on('data', () => {});
    },
    ['timeout'],
    { module: steps({ expect: '^220 (.*)$', send: '$1$1$1$1' }, { expect: '^250$' }) },
  ),
  peer(
    'tcp-bytes-differ',
    'other bytes than expected, at full speed',
    (socket) => flood(socket, 'SSH-1.0\n'),
    ['expect_mismatch'],
    { module: steps({ expect_bytes: 'SSH-2.0-' }) },
  ),
  peer(
    'tcp-bytes-few',
    'fewer bytes than expected, and the end',
    (socket) => void socket.end('SSH'),
    ['connection_closed'],
    { module: steps({ expect_bytes: 'SSH-2.0-' }) },
  ),
  // What is said in plaintext before the handshake must not count as said after it (CVE-2011-0411).
  peer(
    'starttls-injection',
    'more lines in plaintext behind the one that starts TLS',
    mail((socket) => void socket.write('220 go\r\n250 injected\r\n')),
    ['protocol_error'],
    { module: startTls, inTests: true },
  ),
  peer(
    'starttls-plaintext',
    'goes on in plaintext',
    mail((socket) => {
      socket.write('220 go\r\n');
      setTimeout(() => socket.destroyed || socket.write('250 in plaintext\r\n'), 100);
    }),
    ['tls_protocol', 'protocol_error', 'tls_timeout'],
    { module: startTls, inTests: true },
  ),
  peer(
    'starttls-close',
    'closes instead of the handshake',
    mail((socket) => void socket.end('220 go\r\n')),
    ['tls_reset', 'connection_closed', 'connection_reset'],
    { module: startTls },
  ),
  peer(
    'starttls-stall',
    'does nothing instead of the handshake',
    mail((socket) => void socket.write('220 go\r\n')),
    ['tls_timeout'],
    { module: startTls },
  ),
  peer(
    'tcp-not-read',
    'never reads what is sent',
    (socket) => {
      socket.pause();
      socket.write('220 ready\r\n');
    },
    ['timeout', 'good'],
    { module: steps({ expect: '^220', send: 'x'.repeat(400_000) }) },
  ),
];
