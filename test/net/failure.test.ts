import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Phase, phases, type Reason, reasons } from '../../src/kernel/reason.ts';
import { codeOf, failureOf, timeoutIn } from '../../src/net/failure.ts';

const running = new AbortController().signal;
const over = AbortSignal.abort('deadline');
// safe: the keys of the table
const allPhases = Object.keys(phases) as Phase[];

const reasonOf = (code: string, phase: Phase, more: object = {}): Reason =>
  failureOf(Object.assign(new Error('text with secret=hunter2'), { code, ...more }), phase, running).reason;

test('failure: when the signal has fired, the time limit is the reason, by phase, whatever the error says', () => {
  const error = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
  const expected = {
    resolve: 'dns_timeout',
    connect: 'connect_timeout',
    tls: 'tls_timeout',
    processing: 'timeout',
  } as const;
  for (const [phase, reason] of Object.entries(expected)) {
    // safe: the keys of the table above
    assert.equal(failureOf(error, phase as Phase, over).reason, reason);
    // safe: as above
    assert.equal(timeoutIn(phase as Phase).reason, reason);
  }
});

test('failure: a connection that is cut has its reason by phase', () => {
  assert.equal(reasonOf('ECONNRESET', 'connect'), 'connect_reset');
  assert.equal(reasonOf('ECONNRESET', 'tls'), 'tls_reset');
  assert.equal(reasonOf('ECONNRESET', 'processing'), 'connection_reset');
  assert.equal(reasonOf('EPIPE', 'request'), 'connection_closed');
  assert.equal(reasonOf('EPIPE', 'tls'), 'tls_reset');
  assert.equal(reasonOf('ETIMEDOUT', 'connect'), 'connect_timeout');
  assert.equal(reasonOf('ETIMEDOUT', 'transfer'), 'timeout');
});

test('failure: the source address is to blame only where the system says bind', () => {
  for (const code of ['EADDRNOTAVAIL', 'EADDRINUSE', 'EINVAL'])
    assert.equal(reasonOf(code, 'connect', { syscall: 'bind' }), 'source_address_unavailable', code);
  assert.equal(reasonOf('EADDRNOTAVAIL', 'connect', { syscall: 'connect' }), 'local_resources');
  assert.equal(reasonOf('EINVAL', 'connect', { syscall: 'connect' }), 'unreachable');
  assert.equal(reasonOf('EMFILE', 'connect', { syscall: 'bind' }), 'local_resources');
});

test('failure: what the network says about an address gives reason unreachable', () => {
  for (const code of ['EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM', 'EAFNOSUPPORT'])
    assert.equal(reasonOf(code, 'connect'), 'unreachable', code);
});

test("failure: what the vantage lacks gives reason local_resources, and is not the target's fault", () => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
    assert.equal(reasonOf(code, 'connect'), 'local_resources', code);
});

test("failure: OpenSSL's codes are told apart", () => {
  assert.equal(reasonOf('ERR_SSL_WRONG_VERSION_NUMBER', 'tls'), 'tls_protocol');
  assert.equal(reasonOf('ERR_TLS_DH_PARAM_SIZE', 'tls'), 'tls_protocol');
  const library = 'asn1 encoding routines';
  assert.equal(reasonOf('ERR_SSL_TOO_LONG', 'tls', { library }), 'tls_invalid_certificate');
  assert.equal(reasonOf('ERR_SSL_TOO_LONG', 'tls', { library: 'SSL routines' }), 'tls_protocol');
  assert.equal(reasonOf('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'processing'), 'tls_client_certificate_required');
  assert.equal(reasonOf('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'transfer'), 'protocol_error');
});

test('failure: the codes of undici, llhttp and HTTP/2 are told apart', () => {
  assert.equal(reasonOf('UND_ERR_HEADERS_OVERFLOW', 'processing'), 'headers_too_large');
  assert.equal(reasonOf('HPE_INVALID_CONSTANT', 'processing'), 'protocol_error');
  assert.equal(reasonOf('HPE_INVALID_EOF_STATE', 'transfer'), 'connection_closed');
  assert.equal(reasonOf('ERR_HTTP2_STREAM_ERROR', 'transfer'), 'protocol_error');
});

test('failure: any error gives a reason of the table and a detail without the text of the error', () => {
  const codes = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'ECONNRESET'));
  fc.assert(
    fc.property(codes, fc.constantFrom(...allPhases), (code, phase) => {
      const failure = failureOf(Object.assign(new Error('secret=hunter2'), { code }), phase, running);
      assert.ok(Object.hasOwn(reasons, failure.reason));
      assert.equal(failure.phase, phase);
      assert.ok(!failure.detail.includes('hunter2'));
    }),
  );
});

test('failure: what is no error gives reason unexpected', () => {
  for (const thrown of [undefined, null, 'text', 7, {}, new Error('x'), { code: 7 }]) {
    assert.equal(codeOf(thrown), '');
    assert.equal(failureOf(thrown, 'connect', running).reason, 'unexpected');
  }
});
