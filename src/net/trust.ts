import { constants, createHash, X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import type { SecretRef } from '../kernel/check.ts';
import { splitPem } from './authorities-text.ts';
import type { TlsSettings } from './settings.ts';
import { unusable } from './unusable.ts';

/** Where {@link trust} gets what settings only name. */
export type Sources = {
  readonly file: (path: string) => Promise<Buffer>;
  readonly secret: (value: string | SecretRef, fresh?: boolean) => Promise<string>;
};

/** What TLS connections of one configuration share: the context, and the roots that it trusts. */
export type Trusted = { readonly context: tls.SecureContext; readonly roots: readonly Root[] };

/** A trusted authority. */
export type Root = { readonly certificate: X509Certificate; readonly subject: string };

/** Secure contexts by configuration. Rejects if a certificate, key or file cannot be read. */
export type Trust = { readonly of: (settings: TlsSettings) => Promise<Trusted> };

/**
 * Contexts are made once per configuration and content of its files: one with a CA costs as much as a handshake.
 * Without `ca` the store that Node brings is trusted, and what `NODE_EXTRA_CA_CERTS` adds.
 */
export const trust = ({ file, secret }: Sources): Trust => {
  const known = new Map<string, Trusted>();
  const simple = new WeakMap<TlsSettings, Trusted>();
  const read = async (settings: TlsSettings): Promise<Material> => {
    const text = async (path: string | undefined) =>
      path === undefined ? undefined : (await file(path)).toString('utf8');
    return {
      ca: settings.ca ?? (await text(settings.ca_file)),
      extra: await text(settings.extra_ca_file),
      cert: settings.cert ?? (await text(settings.cert_file)),
      key: settings.key === undefined ? await text(settings.key_file) : await secret(settings.key),
      minVersion: settings.min_version,
      maxVersion: settings.max_version,
    };
  };
  const of = async (settings: TlsSettings): Promise<Trusted> => {
    const quick = simple.get(settings);
    if (quick !== undefined) return quick;
    const material = await read(settings);
    const key = createHash('sha256').update(JSON.stringify(material)).digest('base64');
    let trusted = known.get(key);
    if (trusted === undefined) {
      trusted = trustedBy(material, settings);
      if (known.size >= mostContexts) known.clear();
      known.set(key, trusted);
    }
    const canChange =
      (settings.ca_file ?? settings.extra_ca_file ?? settings.cert_file ?? settings.key_file ?? settings.key) !==
      undefined;
    if (!canChange) simple.set(settings, trusted);
    return trusted;
  };
  return { of };
};

const mostContexts = 256;

type Material = {
  readonly ca: string | undefined;
  readonly extra: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly minVersion: TlsSettings['min_version'];
  readonly maxVersion: TlsSettings['max_version'];
};

const versions = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

/** AES-128 before AES-256 before ChaCha20, as Go offers them where AES is in hardware: servers then choose what they choose for blackbox_exporter. */
const suites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
].join(':');

/** The roots of a text. OpenSSL would trust nobody for one without any, and for an empty one Node would trust everybody whom it knows. */
const rootsIn = (text: string, path: string | undefined): readonly Root[] => {
  const roots = rootsOf(splitPem(text));
  if (roots.length > 0) return roots;
  const named = path === undefined ? 'the text of `ca`' : `the file ${path}`;
  throw unusable(`${named} holds no certificate in PEM`, 'NO_CERTIFICATE');
};

const trustedBy = (
  { ca, extra, cert, key, minVersion = 'TLS12', maxVersion = 'TLS13' }: Material,
  { ca_file: caFile, extra_ca_file: extraFile }: TlsSettings,
): Trusted => {
  const more = extra === undefined ? [] : rootsIn(extra, extraFile);
  const roots = [...(ca === undefined ? defaultRoots() : rootsIn(ca, caFile)), ...more];
  const old = minVersion === 'TLS10' || minVersion === 'TLS11';
  const context = tls.createSecureContext({
    ...(ca === undefined && extra === undefined
      ? {}
      : {
          ca: [
            ...(ca === undefined ? tls.getCACertificates('default') : [ca]),
            ...(extra === undefined ? [] : [extra]),
          ],
        }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    // OpenSSL 3 signs with SHA-1 for TLS below 1.2 only at security level 0, which lets weak keys pass too.
    ciphers: old ? `${suites}:@SECLEVEL=0` : suites,
    // A list may name an intermediate as its CA: Go and OpenSSL's commands take it as an anchor.
    allowPartialTrustChain: true,
    // Servers without RFC 5746 are reached, as with Go: we never renegotiate, so the attack it prevents has no ground.
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
    minVersion: versions[minVersion],
    maxVersion: versions[maxVersion],
  });
  return { context, roots };
};

const rootsOf = (texts: readonly string[]): Root[] =>
  texts.flatMap((text) => {
    try {
      const certificate = new X509Certificate(text);
      return [{ certificate, subject: certificate.subject }];
    } catch {
      // OpenSSL has read the same text for the context; what it can use and Node cannot only shortens our list of chains.
      return [];
    }
  });

let bundled: Root[] | undefined;

const defaultRoots = (): Root[] => {
  bundled ??= rootsOf(tls.getCACertificates('default'));
  return bundled;
};
