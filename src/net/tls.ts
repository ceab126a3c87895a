import { isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Seconds } from '../kernel/check.ts';
import { type Failure, failure, type Phase } from '../kernel/reason.ts';
import { type Dial, destroyOn, dialOptions } from './connect.ts';
import { codeOf, failureOf, isExhausted, timeoutIn } from './failure.ts';
import { lastChainExpiry, presentedBy } from './presented.ts';
import type { Context } from './prober.ts';
import type { TlsSettings } from './settings.ts';
import type { TlsFacts } from './tls-facts.ts';
import type { Trusted } from './trust.ts';
import { whyUnusable } from './unusable.ts';
import { verdictOf } from './verdict.ts';

/** How to secure a connection: the name to ask for and verify (or an address: then no SNI), settings, ALPN in order of preference. */
export type Secure = { readonly servername: string; readonly settings: TlsSettings; readonly alpn?: readonly string[] };

/**
 * A secured connection; or why there is none, with the facts that the handshake gave all the same. After a bad verdict the
 * socket is destroyed and nothing was written to it but the handshake. Times are seconds since the run's start.
 */
export type Secured =
  | {
      readonly ok: true;
      readonly socket: tls.TLSSocket;
      readonly facts: TlsFacts;
      readonly connectedAt?: Seconds;
      readonly securedAt: Seconds;
    }
  | {
      readonly ok: false;
      readonly failures: readonly Failure[];
      readonly facts?: TlsFacts;
      readonly connectedAt?: Seconds;
      readonly securedAt?: Seconds;
    };

/** Connects and secures in one go, which costs a third less than doing it in two. Never rejects. */
export const connectTls = async (dial: Dial, secure: Secure, context: Context): Promise<Secured> => {
  const trusted = await trustedFor(secure, context);
  if ('reason' in trusted) return { ok: false, failures: [trusted] };
  if (context.signal.aborted) return { ok: false, failures: [timeoutIn('connect')] };
  return handshake(
    tls.connect({ ...dialOptions(dial), ...options(secure, trusted) }),
    secure,
    trusted,
    context,
    'connect',
  );
};

/** Secures a connection that is there: after STARTTLS, or through a proxy. Never rejects. */
export const upgradeTls = async (socket: Socket, secure: Secure, context: Context): Promise<Secured> => {
  const trusted = await trustedFor(secure, context);
  if ('reason' in trusted || context.signal.aborted || !socket.readable || !socket.writable) {
    // A handshake over a socket that is closed already would wait for ever (Node 24).
    socket.destroy();
    return { ok: false, failures: ['reason' in trusted ? trusted : failureOf(closedEarly, 'tls', context.signal)] };
  }
  return handshake(tls.connect({ socket, ...options(secure, trusted) }), secure, trusted, context, 'tls');
};

const trustedFor = async ({ settings }: Secure, context: Context): Promise<Trusted | Failure> => {
  try {
    return await context.kit.trust.of(settings);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'SECRET_UNAVAILABLE') return failure('secret_unavailable', 'setup', String((error as Error).message)); // safe: codeOf found a code, and the kit's error has a message without values
    return failure(
      isExhausted(code) ? 'local_resources' : 'file_unreadable',
      'setup',
      whyUnusable(error) ?? `a certificate or key of tls_config cannot be used${code === '' ? '' : `: ${code}`}`,
    );
  }
};

/** The dot that ends an absolute name is no part of it in TLS (RFC 6066, section 3). */
const withoutDot = (name: string) => name.replace(/\.$/, '');

const options = ({ servername, alpn }: Secure, { context }: Trusted): tls.ConnectionOptions => ({
  secureContext: context,
  // The verdict is ours, after the facts are read.
  rejectUnauthorized: false,
  checkServerIdentity: () => undefined,
  ...(isIP(servername) === 0 ? { servername: withoutDot(servername) } : {}),
  ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
});

const handshake = (
  socket: tls.TLSSocket,
  secure: Secure,
  trusted: Trusted,
  context: Context,
  from: Phase,
): Promise<Secured> =>
  new Promise((resolve) => {
    // Node reads the whole chain into plain objects for a host check that we do ourselves: 15 % of a probe. What it asks for
    // is replaced, and the chain is read once, since reading it consumes it (Node 24).
    socket.getPeerCertificate = () => noCertificate;
    destroyOn(context.signal, socket);
    let phase = from;
    let connectedAt: Seconds | undefined;
    const times = () => (connectedAt === undefined ? {} : { connectedAt });
    if (from === 'connect') {
      socket.once('connect', () => {
        connectedAt = context.mark('connected');
        phase = 'tls';
      });
    }
    let problem: unknown = closedEarly;
    socket.on('error', (error) => {
      problem = error;
    });
    const onClose = () => resolve({ ok: false, failures: [failureOf(problem, phase, context.signal)], ...times() });
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      socket.off('close', onClose);
      const securedAt = context.mark('secured');
      const { facts, failures } = judge(socket, secure, trusted);
      context.trace('tls', { version: facts.version, cipher: facts.cipher, certificates: facts.chain.length });
      const refused = failures.length > 0 && !secure.settings.insecure_skip_verify;
      if (refused) {
        socket.destroy();
        resolve({ ok: false, failures, facts, securedAt, ...times() });
      } else resolve({ ok: true, socket, facts, securedAt, ...times() });
    });
  });

// safe: only Node's own host check asks for it, and ours takes its place
const noCertificate = {} as tls.DetailedPeerCertificate;
const closedEarly = { code: 'ECONNRESET' };

/** What the handshake showed, and what is wrong with it. Never throws: it runs in an event of the socket, where nothing would catch it. */
const judge = (
  socket: tls.TLSSocket,
  secure: Secure,
  trusted: Trusted,
): { facts: TlsFacts; failures: readonly Failure[] } => {
  try {
    return judged(socket, secure, trusted);
  } catch {
    // Getters of a certificate throw for what OpenSSL decodes late, and which of them do changes with its version.
    const facts = { ...sessionOf(socket), chain: [], earliestExpiry: 0, lastChainExpiry: undefined };
    return { facts, failures: [unreadable] };
  }
};

const judged = (socket: tls.TLSSocket, { servername, settings }: Secure, trusted: Trusted) => {
  const presented = presentedBy(socket, trusted);
  const now = Date.now();
  const { authorized, authorizationError } = socket;
  const failures =
    presented.chain === undefined
      ? [unreadable]
      : verdictOf({
          authorized,
          code: String(authorizationError),
          presented: presented.certificates,
          namesCa: (settings.ca ?? settings.ca_file ?? settings.extra_ca_file) !== undefined,
          name: withoutDot(servername),
          now,
        });
  const isVerified = failures.length === 0 && !settings.insecure_skip_verify;
  const facts: TlsFacts = {
    ...sessionOf(socket),
    chain: presented.chain ?? [],
    earliestExpiry: presented.earliestExpiry,
    lastChainExpiry: isVerified ? lastChainExpiry(presented, trusted, now) : undefined,
  };
  return { facts, failures };
};

/** What was negotiated. A socket that was destroyed meanwhile has neither version nor cipher, whatever Node's types say. */
const sessionOf = (socket: tls.TLSSocket): Pick<TlsFacts, 'version' | 'cipher' | 'alpn'> => ({
  version: (socket.getProtocol() ?? 'unknown').replace(/^TLSv1$/, 'TLS 1.0').replace('TLSv', 'TLS '),
  cipher: socket.getCipher()?.standardName ?? 'unknown',
  alpn: socket.alpnProtocol === false || socket.alpnProtocol === null ? undefined : socket.alpnProtocol,
});

const unreadable = failure('tls_invalid_certificate', 'tls', 'a certificate that the server sent cannot be read');
