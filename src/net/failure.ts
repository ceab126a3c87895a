import { type Failure, failure, type Phase, type Reason } from '../kernel/reason.ts';

/**
 * Why an operation failed, read from the error's code, never from its text. This is the only place that reads codes.
 * When the signal has fired the time limit is the cause, whatever the error says. The detail names the code and no value.
 */
export const failureOf = (error: unknown, phase: Phase, signal: AbortSignal): Failure => {
  if (signal.aborted) return timeoutIn(phase);
  const code = codeOf(error);
  const reason = specialOf(error, code, phase) ?? reasonOf(code, phase);
  return failure(reason, phase, sentenceOf(reason, phase, code, error));
};

/** The failure of a probe that its time limit ended in this phase. */
export const timeoutIn = (phase: Phase): Failure => {
  const reason = timeouts[phase] ?? 'timeout';
  return failure(reason, phase, `the time limit ended the probe ${standing[phase]}`);
};

/** The code of an error (`ECONNREFUSED`, `ERR_SSL_WRONG_VERSION_NUMBER`), the name of one without, or the empty text. */
export const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'name' in error && error.name === 'HTTPParserError' ? error.name : '';
};

/** Whether a code says that the process or the system has no descriptor left. */
export const isExhausted = (code: string): boolean => code === 'EMFILE' || code === 'ENFILE';

const timeouts: Partial<Record<Phase, Reason>> = {
  resolve: 'dns_timeout',
  connect: 'connect_timeout',
  tls: 'tls_timeout',
};

const standing: Readonly<Record<Phase, string>> = {
  setup: 'before it began',
  resolve: 'while its name was being resolved',
  connect: 'before the connection was established',
  tls: 'before the TLS handshake was complete',
  request: 'while the request was being sent',
  processing: 'before the answer began',
  transfer: 'before the answer was complete',
  check: 'while the answer was being judged',
};

/** What the code alone does not say. */
const specialOf = (error: unknown, code: string, phase: Phase): Reason | undefined => {
  if (typeof error !== 'object' || error === null) return undefined;
  // The local address was what the system objected to, not the remote one.
  if ('syscall' in error && error.syscall === 'bind') return lookUp(atBinding, code);
  // OpenSSL could not read what the server sent as its certificate; the codes are those of other troubles (Node 24).
  const { library }: { readonly library?: unknown } = error;
  return phase === 'tls' && library === 'asn1 encoding routines' ? 'tls_invalid_certificate' : undefined;
};

/** Not there, taken, of the other family, not ours to use. */
const atBinding: Readonly<Record<string, Reason>> = {
  EADDRNOTAVAIL: 'source_address_unavailable',
  EADDRINUSE: 'source_address_unavailable',
  EINVAL: 'source_address_unavailable',
  EAFNOSUPPORT: 'source_address_unavailable',
  EACCES: 'source_address_unavailable',
};

/** A code that is the name of something else, `constructor` say, is no code of a table. */
const lookUp = (table: Readonly<Record<string, Reason>>, code: string): Reason | undefined =>
  Object.hasOwn(table, code) ? table[code] : undefined;

/** Codes that mean the same in every phase. */
const always: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: 'connect_refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  ENONET: 'unreachable',
  EPROTO: 'protocol_error',
  // A local packet filter that rejects, and IPv4 broadcast addresses.
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  EAFNOSUPPORT: 'unreachable',
  // An address that needs a zone or cannot be a destination.
  EINVAL: 'unreachable',
  // Linux at connect(2): all ephemeral ports are in use.
  EADDRNOTAVAIL: 'local_resources',
  EADDRINUSE: 'local_resources',
  EMFILE: 'local_resources',
  ENFILE: 'local_resources',
  ENOBUFS: 'local_resources',
  ENOMEM: 'local_resources',
  ENOENT: 'file_unreadable',
  EISDIR: 'file_unreadable',
  ENOTDIR: 'file_unreadable',
  UND_ERR_HEADERS_OVERFLOW: 'headers_too_large',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  UND_ERR_RESPONSE_EXCEEDED_SIZE: 'body_too_large',
  UND_ERR_SOCKET: 'connection_closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol_error',
  // undici 8 gives its parser's errors no code of their own, only a name.
  HTTPParserError: 'protocol_error',
  HPE_INVALID_EOF_STATE: 'connection_closed',
};

/** The kernel gave up on its own, before our limit. */
const gaveUp = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const cut = new Set(['ECONNRESET', 'ECONNABORTED']);
/** The peer had closed before, in order. */
const ended = new Set([
  'EPIPE',
  'ENOTCONN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);

/** Alerts with which a server asks for a client certificate or refuses ours (RFC 8446, section 6.2). */
const clientCertificate = new Set([
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED',
  'ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
  'ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_NO_CERTIFICATE',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_TLS_ALERT_UNKNOWN_CA',
]);

const reasonOf = (code: string, phase: Phase): Reason => {
  if (gaveUp.has(code)) return timeouts[phase] ?? 'timeout';
  if (cut.has(code) || ended.has(code)) {
    if (phase === 'connect') return 'connect_reset';
    if (phase === 'tls') return 'tls_reset';
    return cut.has(code) ? 'connection_reset' : 'connection_closed';
  }
  if (clientCertificate.has(code)) return 'tls_client_certificate_required';
  if (phase === 'tls' && (/^ERR_(?:SSL|OSSL|TLS)_/.test(code) || code === 'EPROTO')) return 'tls_protocol';
  const known = lookUp(always, code);
  if (known !== undefined) return known;
  if (code.startsWith('HPE_') || code.startsWith('ERR_HTTP2_') || code.startsWith('ERR_SSL_')) return 'protocol_error';
  return 'unexpected';
};

const handshakeFailure = /^ERR_SSL_(?:SSLV3|SSL\/TLS)_ALERT_HANDSHAKE_FAILURE$/;

const sentenceOf = (reason: Reason, phase: Phase, code: string, error: unknown): string => {
  // TLS 1.2 has one alert for both; TLS 1.3 has another for the certificate, and sends it after the handshake.
  if (handshakeFailure.test(code))
    return `${code} ${standing[phase]}: no common cipher or version, or the server wants a client certificate`;
  if (reason !== 'unexpected')
    return code === '' ? `the probe failed ${standing[phase]}` : `${code} ${standing[phase]}`;
  const name = error instanceof Error ? error.constructor.name : typeof error;
  return `${code === '' ? name : `${name} ${code}`} ${standing[phase]}`;
};
