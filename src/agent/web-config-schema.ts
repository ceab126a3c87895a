// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import * as z from 'zod';

/** A password or token: as it is, or a reference to it. */
const secret = z.string().min(1);

/** From 4, which bcrypt demands, to 14, which takes seconds. */
const bcryptHash = /^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/;

const tlsVersions = ['TLS12', 'TLS13'] as const;

const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const;

const tlsServerConfig = z
  .strictObject({
    cert_file: z.string().min(1).describe('Certificate of the door, with its chain, in PEM.'),
    key_file: z.string().min(1).describe('Its key, in PEM.'),
    client_ca_file: z.string().min(1).optional().describe('CA certificates of clients, in PEM.'),
    client_auth_type: z.enum(clientAuthTypes).optional().describe('Whether clients need a certificate.'),
    client_allowed_sans: z.array(z.string().min(1)).min(1).optional().describe('Names, one of which it must have.'),
    min_version: z.enum(tlsVersions).default('TLS12').describe('Oldest TLS version.'),
    max_version: z.enum(tlsVersions).default('TLS13').describe('Newest TLS version.'),
    prefer_server_cipher_suites: z.boolean().optional().describe('Has no effect.'),
  })
  .refine(({ min_version: min, max_version: max }) => min <= max, { error: 'min_version is above max_version' })
  .refine(
    ({ client_auth_type: type = 'NoClientCert', client_ca_file: file }) => !/Verify/.test(type) || file !== undefined,
    { error: 'client_auth_type needs client_ca_file; write the file of the CA certificates' },
  )
  .refine(
    ({ client_auth_type: type = 'NoClientCert', client_ca_file: file }) =>
      file === undefined || type !== 'NoClientCert',
    {
      error: 'client_ca_file has no effect; write client_auth_type: RequireAndVerifyClientCert',
    },
  )
  .refine(({ client_auth_type: type = '', client_allowed_sans: names }) => names === undefined || /Verify/.test(type), {
    error: 'client_allowed_sans needs a client_auth_type that verifies, such as RequireAndVerifyClientCert',
  });

/** `--web-config`: Prometheus's web configuration, and a token besides. */
export const webConfigSchema = z.strictObject({
  tls_server_config: tlsServerConfig.optional().describe('TLS of the door.'),
  http_server_config: z
    .strictObject({ http2: z.boolean().optional().describe('Has no effect: the door uses HTTP/1.1.') })
    .optional()
    .describe("Taken as Prometheus's file may have it."),
  basic_auth_users: z
    .record(
      z
        .string()
        .min(1)
        .regex(/^[^:]+$/, { error: 'a user name has no colon' }),
      z.string().regex(bcryptHash, {
        error: 'not a bcrypt hash with a cost from 4 to 14; write the output of: htpasswd -nBC 10 USER',
      }),
    )
    .optional()
    .describe('Users with the bcrypt hashes of their passwords.'),
  basic_auth: z
    .strictObject({
      username: z.string().min(1).describe('User name.'),
      password: secret.optional().describe('Password, or ${env:NAME}.'),
      password_file: z.string().optional().describe('File with the password.'),
    })
    .refine((auth) => (auth.password === undefined) !== (auth.password_file === undefined), {
      error: 'write `password` or `password_file`',
    })
    .optional()
    .describe('One more user, whose password is not hashed.'),
  authorization: z
    .strictObject({
      credentials: secret.optional().describe('Bearer token, or ${env:NAME}.'),
      credentials_file: z.string().optional().describe('File with the token.'),
    })
    .refine((auth) => (auth.credentials === undefined) !== (auth.credentials_file === undefined), {
      error: 'write `credentials` or `credentials_file`',
    })
    .optional()
    .describe('A token that admits as well.'),
});

/** A web configuration as it is written. */
export type WebConfig = z.infer<typeof webConfigSchema>;
