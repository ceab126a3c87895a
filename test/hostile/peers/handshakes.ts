import { createHash } from 'node:crypto';
import { at, type HostilePeer } from '../peer.ts';
import { flood, httpPeer, tcpPeer, tls12Peer, tlsPeer, trickle } from '../serving.ts';
import { type Flight, message, records, type Tls12Options } from '../tls12.ts';

const module = { prober: 'tcp', tcp: { tls: true } } as const;
const https = { prober: 'http', http: {} } as const;

const peer = (
  name: string,
  does: string,
  serve: HostilePeer['serve'] & object,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => ({ name, group: 'tls', does, serve, target: at.tls, module, expect, ...more });

/** A server of our own TLS 1.2 that differs in something. */
const own = (
  name: string,
  does: string,
  options: Partial<Tls12Options>,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => peer(name, does, () => tls12Peer(() => options), expect, more);

const whole = ({ hello, certificate, keyExchange, done }: Flight) =>
  Buffer.concat([hello, certificate, keyExchange, done]);
const alert = (level: number, code: number) => records(21, Buffer.from([level, code]));
/** Waits for the ClientHello and does something else than to answer it. */
const afterHello = (then: Parameters<typeof tcpPeer>[0]) =>
  tcpPeer((socket) => {
    socket.once('data', () => then(socket));
  });
const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
const garbage = createHash('sha512').update('garbage').digest();

/** Handshakes that break off, lie, stall, or never end. */
export const handshakePeers: readonly HostilePeer[] = [
  own('honest-tls-1.2', 'the same server without a fault, to show that it can', {}, ['good'], { inTests: true }),
  own(
    'single-bytes',
    'each byte of the handshake in a record of its own',
    { sendFlight: (flight, socket) => void socket.write(records(22, whole(flight), 1)) },
    ['good'],
    { inTests: true },
  ),
  own(
    'empty-records',
    'empty handshake records for ever',
    { sendFlight: (_, socket) => flood(socket, records(22, Buffer.alloc(0))) },
    ['tls_protocol'],
    { inTests: true },
  ),
  own(
    'endless-certificate',
    'a Certificate message of 16 MB that goes on and on',
    {
      sendFlight: ({ hello }, socket) => {
        const start = Buffer.concat([hello, Buffer.from([11, 0xff, 0xff, 0xff])]);
        socket.write(records(22, start));
        flood(socket, records(22, Buffer.alloc(16_384, 1)));
      },
    },
    ['tls_protocol', 'tls_invalid_certificate'],
    { inTests: true },
  ),
  own(
    'endless-hellos',
    'ServerHello again and again',
    { sendFlight: ({ hello }, socket) => flood(socket, records(22, hello)) },
    ['tls_protocol'],
  ),
  own(
    'hello-requests',
    'HelloRequest again and again in the midst of the handshake (RFC 5246, section 7.4.1.1: to be ignored)',
    {
      sendFlight: ({ hello }, socket) => {
        socket.write(records(22, hello));
        flood(socket, records(22, message(0)));
      },
    },
    ['tls_protocol', 'tls_timeout'],
    { alone: true },
  ),
  own(
    'record-of-64k',
    'a record longer than any may be',
    {
      sendFlight: (_, socket) =>
        void socket.write(Buffer.concat([Buffer.from([22, 3, 3, 0xff, 0xff]), Buffer.alloc(65_535)])),
    },
    ['tls_protocol'],
  ),
  own(
    'alert-midway',
    'a fatal alert after ServerHello',
    { sendFlight: ({ hello }, socket) => void socket.write(Buffer.concat([records(22, hello), alert(2, 40)])) },
    ['tls_protocol'],
    { inTests: true },
  ),
  own(
    'alert-unknown',
    'a fatal alert of a number that has no meaning',
    { sendFlight: (_, socket) => void socket.write(alert(2, 250)) },
    ['tls_timeout', 'tls_protocol', 'tls_reset'],
  ),
  own(
    'alert-level-unknown',
    'an alert that is neither a warning nor fatal',
    { sendFlight: (_, socket) => void socket.write(alert(77, 40)) },
    ['tls_protocol'],
  ),
  own('warnings', 'warning alerts for ever', { sendFlight: (_, socket) => flood(socket, alert(1, 90)) }, [
    'tls_protocol',
  ]),
  own(
    'close-notify',
    'close_notify after ServerHello, and the connection stays',
    { sendFlight: ({ hello }, socket) => void socket.write(Buffer.concat([records(22, hello), alert(1, 0)])) },
    ['tls_protocol', 'tls_reset', 'tls_timeout'],
  ),
  own(
    'half-flight',
    'ServerHello and half of the certificate, then the end',
    { sendFlight: (flight, socket) => void socket.end(records(22, whole(flight).subarray(0, 300))) },
    ['tls_reset', 'tls_protocol'],
  ),
  own(
    'stall-after-hello',
    'ServerHello, then nothing',
    { sendFlight: ({ hello }, socket) => void socket.write(records(22, hello)) },
    ['tls_timeout'],
    { inTests: true },
  ),
  own(
    'trickled-handshake',
    'one byte of the handshake every 50 ms',
    {
      sendFlight: (flight, socket) => {
        const bytes = records(22, whole(flight));
        let next = 0;
        trickle(socket, () => bytes.subarray(next, ++next));
      },
    },
    ['tls_timeout'],
  ),
  own('version-unknown', 'ServerHello of version 0x0399', { version: 0x0399 }, ['tls_protocol']),
  own('version-1.0', 'ServerHello of TLS 1.0', { version: 0x0301 }, ['tls_protocol']),
  own('cipher-not-offered', 'a cipher suite that was not offered', { cipher: 0x0004 }, ['tls_protocol']),
  own('share-of-zeros', 'a key share that is not a point', { point: Buffer.alloc(65) }, ['tls_protocol']),
  own('share-too-long', 'a key share of 255 bytes', { point: Buffer.alloc(255, 4) }, ['tls_protocol']),
  own('wrong-finished', 'a Finished that does not fit the transcript', { wrongFinished: true }, ['tls_protocol'], {
    inTests: true,
  }),
  own(
    'huge-ticket',
    'a session ticket of 60 kB that was not asked for',
    { beforeFinished: [message(4, Buffer.from([0, 0, 0, 60, 0xea, 0x60]), Buffer.alloc(60_000))] },
    ['good', 'tls_protocol'],
  ),
  own(
    'ticket-flood',
    '200 session tickets',
    { beforeFinished: Array.from({ length: 200 }, () => message(4, Buffer.from([0, 0, 0, 60, 0, 4, 1, 2, 3, 4]))) },
    ['tls_protocol'],
  ),
  own(
    'alpn-not-offered',
    'ALPN chooses a protocol that was not offered (RFC 7301, section 3.2: a mistake)',
    { alpn: 'h3', onData: ({ send }) => void send(answer) },
    ['tls_protocol', 'protocol_error'],
    { target: at.https, module: https },
  ),
  own(
    'renegotiation',
    'asks for another handshake instead of answering, again and again',
    { onData: (session) => flood(session.socket, () => session.send(message(0), 22)) },
    ['timeout', 'protocol_error', 'connection_closed', 'connection_reset'],
    { target: at.https, module: https },
  ),
  own(
    'alert-flood-later',
    'warning alerts for ever after the handshake',
    { onData: (session) => flood(session.socket, () => session.send(Buffer.from([1, 90]), 21)) },
    ['protocol_error', 'connection_reset', 'connection_closed'],
    { target: at.https, module: https },
  ),
  own(
    'empty-data-flood',
    'empty application records for ever',
    { onData: (session) => flood(session.socket, () => session.send(Buffer.alloc(0))) },
    ['timeout', 'protocol_error', 'connection_reset'],
    { target: at.https, module: https },
  ),
  own(
    'unsealed-data',
    'the answer in plaintext within the connection',
    { onData: ({ socket }) => void socket.write(records(23, answer)) },
    ['protocol_error', 'connection_reset', 'connection_closed'],
    { target: at.https, module: https },
  ),
  own(
    'answer-over-own-tls',
    'an honest answer over the same server',
    { onData: ({ send }) => void send(answer) },
    ['good'],
    { target: at.https, module: https },
  ),
  own(
    'end-without-close-notify',
    'an answer without length that ends without close_notify: cut (RFC 9112, section 9.8)',
    {
      onData: ({ send, socket }) => {
        send(Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of the pa'));
        socket.end();
      },
    },
    ['good', 'connection_closed', 'connection_reset'],
    { target: at.https, module: https },
  ),
  peer('http-on-tls-port', 'plaintext HTTP on the port', () => httpPeer((socket) => socket.end(answer)), [
    'tls_timeout',
    'tls_protocol',
  ]),
  peer(
    'http-400',
    'an HTTP error to the ClientHello',
    () => afterHello((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ['tls_protocol'],
    { inTests: true },
  ),
  peer('garbage', 'garbage after the ClientHello', () => afterHello((socket) => socket.write(garbage)), [
    'tls_protocol',
  ]),
  peer(
    'garbage-flood',
    'garbage as fast as it goes, from the start',
    () => tcpPeer((socket) => flood(socket, garbage)),
    ['tls_protocol', 'tls_reset'],
    { inTests: true },
  ),
  peer('close-after-hello', 'closes after the ClientHello', () => afterHello((socket) => socket.end()), ['tls_reset']),
  peer('reset-after-hello', 'resets after the ClientHello', () => afterHello((socket) => socket.resetAndDestroy()), [
    'tls_reset',
  ]),
  peer('silent', 'accepts and does nothing', () => tcpPeer(() => {}), ['tls_timeout']),
  peer(
    'old-versions',
    'TLS 1.0 and 1.1 alone',
    () => tlsPeer(() => {}, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
    ['tls_protocol'],
  ),
  peer(
    'client-certificate',
    'wants a client certificate',
    () => tlsPeer(() => {}, { requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' }),
    ['tls_client_certificate_required', 'tls_protocol'],
  ),
];
