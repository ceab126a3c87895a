import * as z from 'zod';
import { parseDuration } from '../kernel/duration.ts';
import { compilePattern } from '../protocol/pattern.ts';

/** A duration text (`10s`). Code turns it into milliseconds with `parseDuration`. */
export const durationText = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, { error: 'not a duration; write for example 30s or 1m30s' })
  .meta({ examples: ['30s'] });

const longestTimerMs = 24 * 86_400_000;

/** A {@link durationText} that a timer can wait for: those of Node count milliseconds in 31 bits, and end at once above that. */
export const timerText = durationText.refine((text) => (parseDuration(text) ?? 0) <= longestTimerMs, {
  error: 'must be at most 24d',
});

/** A regular expression in RE2's syntax, searched for anywhere in the text. */
export const patternText = z.string().superRefine((text, context) => {
  const compiled = compilePattern(text);
  if (compiled.ok) return;
  const message = compiled.isTooLarge
    ? `the regular expression is too large: ${compiled.why}; write smaller repeats, fewer alternatives or several expressions`
    : `not a regular expression of RE2: ${compiled.why}`;
  context.addIssue({ code: 'custom', message });
});

/** A reference to a secret as it stands after load. */
const secretRef = z.strictObject({ secret: z.string() });

/** A value that is always a secret: `"${env:NAME}"`, `"${file:/path}"`, or (masked, with a warning) the value itself. */
export const secretText = z.union([z.string(), secretRef]).meta({ secret: 'always' });

/** A value that may be a secret reference; a literal is shown as it is. */
export const mayBeSecretText = z.union([z.string(), secretRef]).meta({ secret: 'maybe' });

/** Which address of a name to use; blackbox_exporter's keys and defaults. */
export const addressShape = {
  preferred_ip_protocol: z
    .enum(['ip4', 'ip6'])
    .meta({ spellings: { ipv4: 'ip4', ipv6: 'ip6', '4': 'ip4', '6': 'ip6' } })
    .default('ip6')
    .describe('Address family to use if the name has both.'),
  ip_protocol_fallback: z.boolean().default(true).describe('Use the other family if the name lacks the preferred one.'),
};

/** See {@link addressShape}. */
export type AddressSettings = z.output<z.ZodObject<typeof addressShape>>;

/** The local address to connect from. */
export const sourceAddressShape = {
  source_ip_address: z.union([z.ipv4(), z.ipv6()]).optional().describe('Local address to connect from.'),
};

const tlsVersion = z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']);

/** `tls_config` in Prometheus's words. */
export const tlsSettings = z
  .strictObject({
    insecure_skip_verify: z
      .boolean()
      .default(false)
      .describe('Do not verify the certificates; their facts are reported all the same.'),
    ca: z.string().optional().describe("Trusted authorities in PEM; they replace the system's."),
    ca_file: z.string().optional().describe('File with trusted authorities in PEM.'),
    extra_ca_file: z
      .string()
      .optional()
      .describe('File with authorities in PEM that are trusted as well; that of the list if none are named.'),
    cert: z.string().optional().describe('Client certificate in PEM.'),
    cert_file: z.string().optional().describe('File with the client certificate in PEM.'),
    key: secretText.optional().describe('Key of the client certificate in PEM.'),
    key_file: z.string().optional().describe('File with the key of the client certificate in PEM.'),
    server_name: z
      .string()
      .min(1)
      .optional()
      .describe("Name to ask for (SNI) and to verify instead of the target's host."),
    min_version: tlsVersion
      .optional()
      .describe('Lowest TLS version to offer; TLS12 if not set. Below TLS12 weak keys pass too.'),
    max_version: tlsVersion.optional().describe('Highest TLS version to offer; TLS13 if not set.'),
  })
  .superRefine((tls, context) => {
    const refuse = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    if (tls.ca !== undefined && tls.ca_file !== undefined) refuse('ca_file', 'at most one of ca and ca_file');
    if (tls.cert !== undefined && tls.cert_file !== undefined) refuse('cert_file', 'at most one of cert and cert_file');
    if (tls.key !== undefined && tls.key_file !== undefined) refuse('key_file', 'at most one of key and key_file');
    const hasCertificate = (tls.cert ?? tls.cert_file) !== undefined;
    const hasKey = (tls.key ?? tls.key_file) !== undefined;
    if (hasCertificate !== hasKey)
      refuse(hasKey ? 'key' : 'cert', 'a client certificate needs both a certificate and a key');
    if ((tls.min_version ?? 'TLS12') > (tls.max_version ?? 'TLS13'))
      refuse('max_version', 'max_version is below min_version');
  });

/** See {@link tlsSettings}. */
export type TlsSettings = z.output<typeof tlsSettings>;
