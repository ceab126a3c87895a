import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Point } from '../../src/kernel/metric.ts';
import { kit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import type { Prober } from '../../src/net/prober.ts';
import { resolver } from '../../src/net/resolve.ts';
import { dns } from '../../src/probers/dns/dns.ts';
import { http } from '../../src/probers/http/http.ts';
import { tcp } from '../../src/probers/tcp/tcp.ts';
import { execute } from '../../src/run/execute.ts';
import { blackHole } from '../servers/black-hole.ts';
import { dnsServer } from '../servers/dns.ts';
import { type Http2Script, http2Server, httpServer, httpsServer, type Script } from '../servers/http.ts';
import { tcpServer } from '../servers/tcp.ts';
import { tlsServer } from '../servers/tls.ts';
import { exampleCheck } from './example.ts';

// Peers that are silent, trickle or stall, at every phase of every prober: each probe ends with its timeout, says where it
// stood, and leaves no socket.

const clock = marks();
const timeoutMs = 250;

/** The sockets of this process by kind, once what was closed is gone. */
const openSockets = async () => {
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /^(TCP|TLS|UDP|Pipe).*(Wrap|WRAP)$/.test(kind) && !/Server/i.test(kind))
    .sort();
};

/** Empty where most of the time limit went to `phase`, or to one phase at all; otherwise what each had. */
const timeIsElsewhere = (seconds: ReadonlyMap<string | undefined, number>, phase: string | undefined): string => {
  const longest = phase === undefined ? Math.max(...seconds.values()) : (seconds.get(phase) ?? 0);
  return longest > 0.2 ? '' : `phases ${[...seconds]}`;
};

type Peer = AsyncDisposable & { readonly port: number; readonly allClosed?: () => Promise<void> };

const phaseSeconds = (points: readonly Point[]) =>
  new Map(
    points
      .filter(({ metric }) => metric.name.endsWith('_duration_seconds'))
      .map(({ labels, value }) => [labels?.phase, value]),
  );

/** A test: a probe of the peer ends as `expected`, a phase and a reason. */
const endsInTime = (
  name: string,
  prober: Prober,
  peer: () => Promise<Peer>,
  target: (port: number) => string,
  given: object,
  expected: string,
  names?: () => Promise<Peer>,
): void => {
  void test(`slow peers: ${name}`, async () => {
    // A run of a process that was itself kept from running says nothing about anybody, nor does one whose time went
    // elsewhere: it is done again.
    const began = performance.now();
    while ((await ends(performance.now() - began < patienceMs)) === 'starved');
  });
  const ends = async (again: boolean): Promise<'ended' | 'starved'> => {
    const settings = prober.settings.parse({ preferred_ip_protocol: 'ip4', ...given });
    const before = await openSockets();
    let took = 0;
    let bare = 0;
    let late = '';
    {
      await using server = await peer();
      await using nameServer = await names?.();
      const own = nameServer === undefined ? {} : { resolver: resolver({ servers: [`127.0.0.1:${nameServer.port}`] }) };
      await using tools = kit(own);
      const check = exampleCheck({ target: { address: target(server.port) } });
      const probed = { ...check, module: { ...check.module, timeoutMs, settings } };
      const start = performance.now();
      const timer = new Promise<number>((resolve) => setTimeout(() => resolve(performance.now() - start), timeoutMs));
      const run = await execute(probed, prober, tools, { clock });
      took = run.took * 1_000;
      bare = await timer;
      if (run.outcome.void === 'starved' && again) return 'starved';
      const [first] = run.outcome.failures;
      assert.equal(`${first?.phase} ${first?.reason}`, expected, first?.detail);
      assert.equal(run.outcome.void, undefined);
      const phases = phaseSeconds(prober.points(run, undefined));
      if (prober !== dns) late = timeIsElsewhere(phases, first?.phase);
      else if (first?.phase !== 'resolve') late = timeIsElsewhere(phases, undefined);
      await server.allClosed?.();
    }
    assert.deepEqual(await openSockets(), before);
    if (took > bare + 50) late ||= `took ${took.toFixed(0)} ms, a bare timer ${bare.toFixed(0)} ms`;
    if (late !== '' && again) return 'starved';
    assert.equal(late, '');
    return 'ended';
  };
};

/** So long is a run done again that says nothing. */
const patienceMs = 30_000;

/** Says one byte at a time for as long as the socket lives. */
const trickle = (socket: Socket, text: string | Uint8Array, everyMs = 20): void => {
  const bytes = Buffer.from(text);
  let at = 0;
  const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), everyMs);
  socket.once('close', () => clearInterval(timer));
};

/** The start of a TLS record that promises a long ServerHello (RFC 8446, sections 4 and 5.1). */
const serverHello = Buffer.concat([Buffer.from('1603034000020000fc0303', 'hex'), Buffer.alloc(16_000, 1)]);

const silent = () => tcpServer();
const trickling = (text: string | Uint8Array) => () =>
  tcpServer({ onConnection: (socket) => void trickle(socket, text) });
const stalling = () => tcpServer({ onData: (socket) => void socket.write(serverHello.subarray(0, 2_000)) });

const url = (scheme: string) => (port: number) => `${scheme}://localhost:${port}/`;
const place = (port: number) => `localhost:${port}`;
const away = (port: number) => `away.test:${port}`;

// Resolving.
const nobody = () => dnsServer({ reply: () => undefined });
const strangers = () => dnsServer({ reply: ({ id, question }) => Buffer.concat([Buffer.from([id & 1, 0]), question]) });
for (const [who, names] of [
  ['a silent name server', nobody],
  ['a name server that answers rubbish', strangers],
] as const) {
  const expected = 'resolve dns_timeout';
  endsInTime(`http, ${who}`, http, silent, () => 'http://away.test/', {}, expected, names);
  endsInTime(`tcp, ${who}`, tcp, silent, away, {}, expected, names);
  endsInTime(`dns, ${who}`, dns, silent, away, { query_name: 'shop.test' }, expected, names);
}

// Connecting.
for (const scheme of ['http', 'https'])
  endsInTime(`${scheme}, a host that drops what it gets`, http, blackHole, url(scheme), {}, 'connect connect_timeout');
for (const tls of [false, true])
  endsInTime(
    `tcp, a host that drops what it gets, tls ${tls}`,
    tcp,
    blackHole,
    place,
    { tls },
    'connect connect_timeout',
  );
endsInTime(
  'dns over tcp, a host that drops what it gets',
  dns,
  blackHole,
  place,
  { query_name: 'shop.test', transport_protocol: 'tcp' },
  'connect connect_timeout',
);

// Securing.
for (const [how, peer] of [
  ['silent', silent],
  ['trickling', trickling(serverHello)],
  ['stalling', stalling],
] as const) {
  for (const enable_http2 of [false, true])
    endsInTime(
      `https, a peer ${how} in the handshake, enable_http2 ${enable_http2}`,
      http,
      peer,
      url('https'),
      { enable_http2 },
      'tls tls_timeout',
    );
  endsInTime(`tcp, a peer ${how} in the handshake`, tcp, peer, place, { tls: true }, 'tls tls_timeout');
  endsInTime(
    `dns over tls, a peer ${how} in the handshake`,
    dns,
    peer,
    place,
    { query_name: 'shop.test', transport_protocol: 'tcp', dns_over_tls: true },
    'tls tls_timeout',
  );
}
endsInTime(
  'tcp, a peer silent after STARTTLS',
  tcp,
  () => tcpServer({ greeting: '220 go\r\n' }),
  place,
  { query_response: [{ expect: '^220', starttls: true }] },
  'tls tls_timeout',
);

// HTTP/1.1: asking and answering, in clear and over TLS.
const head = 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n';
const scripts: readonly (readonly [string, Script, string])[] = [
  ['silent after the request', () => undefined, 'processing timeout'],
  ['trickling its head', (_, socket) => void trickle(socket, `${head}`), 'transfer timeout'],
  ['stalling in its head', () => 'HTTP/1.1 200 OK\r\nConte', 'transfer timeout'],
  ['stalling after its head', () => head, 'transfer timeout'],
  [
    'trickling its body',
    (_, socket) => {
      socket.write(head);
      trickle(socket, 'x'.repeat(1_000));
    },
    'transfer timeout',
  ],
  ['stalling in a chunk', () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx', 'transfer timeout'],
  [
    'that only hints',
    (_, socket) => void trickle(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50), 1),
    'transfer timeout',
  ],
];
for (const [how, script, expected] of scripts) {
  endsInTime(`http, a server ${how}`, http, () => httpServer(script), url('http'), {}, expected);
  endsInTime(
    `https, a server ${how}`,
    http,
    () => httpsServer(script),
    url('https'),
    { tls_config: { insecure_skip_verify: true } },
    expected,
  );
}
/** Reads nothing, and so never sees the end of its connections either. */
const deaf = async () => {
  const { port, [Symbol.asyncDispose]: close } = await tcpServer({ onConnection: (socket) => void socket.pause() });
  return { port, [Symbol.asyncDispose]: close };
};
endsInTime(
  'http, a server that does not read the request',
  http,
  deaf,
  url('http'),
  { method: 'POST', body: 'x'.repeat(20_000_000) },
  'processing timeout',
);
const elsewhere = 'HTTP/1.1 302 Found\r\nLocation: /slow\r\nContent-Length: 0\r\n\r\n';
endsInTime(
  'http, a server silent behind a redirect',
  http,
  () => httpServer(({ path }) => (path === '/slow' ? undefined : elsewhere)),
  url('http'),
  {},
  'processing timeout',
);

// HTTP/2.
const streams: readonly (readonly [string, Http2Script, string])[] = [
  ['silent after the request', () => {}, 'processing timeout'],
  ['stalling after its head', (stream) => void stream.respond({ ':status': 200 }), 'transfer timeout'],
  [
    'trickling its body',
    (stream) => {
      stream.respond({ ':status': 200 });
      const timer = setInterval(() => stream.write('x'), 20);
      stream.once('close', () => clearInterval(timer));
    },
    'transfer timeout',
  ],
];
const skip = { tls_config: { insecure_skip_verify: true } };
for (const [how, script, expected] of streams)
  endsInTime(`http/2, a server ${how}`, http, () => http2Server(script), url('https'), skip, expected);
endsInTime(
  'http/2, a server that speaks TLS and nothing more',
  http,
  () => tlsServer({ ALPNProtocols: ['h2'] }),
  url('https'),
  skip,
  'processing timeout',
);

// A dialogue.
const dialogue = { query_response: [{ expect: 'never' }] };
endsInTime('tcp, a peer silent in the dialogue', tcp, silent, place, dialogue, 'transfer timeout');
endsInTime(
  'tcp, a peer trickling in the dialogue',
  tcp,
  trickling('a\n'.repeat(100)),
  place,
  dialogue,
  'transfer timeout',
);
endsInTime(
  'tcp, a peer stalling in a line',
  tcp,
  () => tcpServer({ greeting: 'nev' }),
  place,
  dialogue,
  'transfer timeout',
);

// DNS.
const asks = { query_name: 'shop.test' };
endsInTime('dns over udp, a silent server', dns, nobody, place, asks, 'processing timeout');
endsInTime('dns over udp, answers to other questions', dns, strangers, place, asks, 'processing timeout');
const stream = { ...asks, transport_protocol: 'tcp' };
endsInTime('dns over tcp, a silent server', dns, nobody, place, stream, 'processing timeout');
endsInTime(
  'dns over tcp, a trickling server',
  dns,
  trickling(Buffer.alloc(100, 1)),
  place,
  stream,
  'processing timeout',
);
const started = () => tcpServer({ onData: (socket) => void socket.write(Buffer.from('0040abcd8180', 'hex')) });
endsInTime('dns over tcp, a server stalling in its answer', dns, started, place, stream, 'processing timeout');
endsInTime(
  'dns over tls, a silent server',
  dns,
  () => tlsServer(),
  place,
  { ...stream, dns_over_tls: true, tls_config: { insecure_skip_verify: true } },
  'processing timeout',
);
