import { constants } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Locks } from './locks.ts';
import type { WebConfig } from './web-config-schema.ts';

type TlsServerConfig = NonNullable<WebConfig['tls_server_config']>;

const versions = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

/**
 * TLS settings of a door, and the check of client certificates, from the contents of the files that the configuration
 * names. A bad client certificate is refused at the request and not in the handshake, so that health checks, which have
 * none, are answered. Sessions are not resumed where clients show certificates: each handshake verifies.
 */
export const tlsLocks = (
  { client_auth_type: type = 'NoClientCert', client_allowed_sans: names, min_version, max_version }: TlsServerConfig,
  { cert, key, ca }: Readonly<Record<string, string>>,
): Pick<Locks, 'tls' | 'client'> => {
  const tls = { cert, key, minVersion: versions[min_version], maxVersion: versions[max_version] };
  if (type === 'NoClientCert') return { tls };
  return {
    tls: {
      ...tls,
      ...(ca === undefined ? {} : { ca }),
      requestCert: true,
      rejectUnauthorized: false,
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    client: { demanded: type === 'RequireAndVerifyClientCert', admits: clientCheck(type, names) },
  };
};

/** The meaning of Prometheus's types, which are those of Go's `tls.ClientAuthType`. */
const clientCheck = (type: string, names: readonly string[] | undefined) => (socket: TLSSocket) => {
  if (type === 'RequestClientCert') return true;
  const certificate = socket.getPeerCertificate();
  const isThere = Object.keys(certificate).length > 0;
  if (type === 'RequireAnyClientCert') return isThere;
  if (!isThere) return type === 'VerifyClientCertIfGiven';
  return socket.authorized && (names === undefined || namesOf(certificate).some((name) => names.includes(name)));
};

/**
 * Subject alternative names of a certificate, without their kinds. None if one is quoted, as Node does with names that hold
 * a comma or a quote: they could pass for several.
 */
const namesOf = ({ subjectaltname = '' }: PeerCertificate): readonly string[] =>
  subjectaltname.includes('"')
    ? []
    : subjectaltname.split(', ').map((entry) => entry.replace(/^(?:DNS|IP Address|URI|email):/, ''));
