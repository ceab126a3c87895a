import * as z from 'zod';
import { everyAddressShape } from '../../net/each-address.ts';
import { addressShape, mayBeSecretText, patternText, secretText, tlsSettings } from '../../net/settings.ts';
import { acceptsEncoding, encodings } from '../../protocol/accept-encoding.ts';
import { parseSize } from '../../protocol/size.ts';

const headerRule = z.strictObject({
  header: z.string().min(1).describe('Name of the header.'),
  regexp: patternText.min(1).describe('Expression that a value is searched for.'),
  allow_missing: z.boolean().default(false).describe('Do not fail when the header is missing.'),
});

const basicAuth = z
  .strictObject({
    username: mayBeSecretText.optional().describe('User name.'),
    username_file: z.string().optional().describe('File with the user name.'),
    password: secretText.optional().describe('Password.'),
    password_file: z.string().optional().describe('File with the password.'),
  })
  .superRefine((auth, context) => {
    for (const key of ['username', 'password'] as const) {
      if (auth[key] !== undefined && auth[`${key}_file`] !== undefined)
        context.addIssue({ code: 'custom', path: [`${key}_file`], message: `at most one of ${key} and ${key}_file` });
    }
  });

const authorization = z
  .strictObject({
    type: z
      .string()
      .refine((type) => type.toLowerCase() !== 'basic', { error: 'use basic_auth for this type' })
      .default('Bearer')
      .describe('Authentication scheme.'),
    credentials: secretText.optional().describe('Credentials.'),
    credentials_file: z.string().optional().describe('File with the credentials.'),
  })
  .refine((auth) => auth.credentials === undefined || auth.credentials_file === undefined, {
    path: ['credentials_file'],
    error: 'at most one of credentials and credentials_file',
  });

const headerValues = z.strictObject({
  values: z.array(z.string()).optional().describe('Values.'),
  secrets: z.array(secretText).optional().describe('Secret values.'),
  files: z.array(z.string()).optional().describe('Files with a value each.'),
});

/** Keys of blackbox_exporter that we do not have: refused with a sentence each rather than ignored. */
const later = (what: string) =>
  z
    .custom<Nothing>(isNothing, { error: `${what} is not supported yet` })
    .optional()
    .describe('Not supported yet.');

/** Values that ask for nothing, which files of blackbox_exporter hold too. */
type Nothing = '' | false | readonly never[] | Readonly<Record<string, never>>;
const isNothing = (value: unknown): boolean =>
  value === '' || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const shape = z.strictObject({
  valid_status_codes: z
    .array(z.int().min(100).max(999))
    .default([])
    .describe('Accepted status codes; 200 to 299 if empty.'),
  valid_http_versions: z
    .array(
      z.enum(['HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0']).meta({
        spellings: {
          'http/2': 'HTTP/2.0',
          h2: 'HTTP/2.0',
          '2': 'HTTP/2.0',
          '2.0': 'HTTP/2.0',
          '1.1': 'HTTP/1.1',
          '1.0': 'HTTP/1.0',
        },
      }),
    )
    .default([])
    .describe('Accepted versions; any if empty.'),
  method: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'not a method' })
    .default('GET')
    .describe('Method of the request.'),
  headers: z
    .record(z.string(), mayBeSecretText)
    .default({})
    .describe(
      'Headers of the request, one value each; Host replaces the name asked for. A value that is a secret is not sent to another origin after a redirect.',
    ),
  http_headers: z.record(z.string(), headerValues).default({}).describe('More headers, added at every hop.'),
  body: mayBeSecretText
    .meta({ secret: 'maybe', bytes: true })
    .default('')
    .describe('Body of the request; it may be a reference to a secret. Not sent to another origin after a redirect.'),
  body_file: z.string().optional().describe('File with the body of the request.'),
  follow_redirects: z.boolean().default(true).describe('Follow up to ten redirects.'),
  no_follow_redirects: z
    .boolean()
    .optional()
    .describe('Deprecated: the opposite of follow_redirects, which it overrides.'),
  fail_if_ssl: z.boolean().default(false).describe('Fail if the last answer came over TLS.'),
  fail_if_not_ssl: z.boolean().default(false).describe('Fail if the last answer did not come over TLS.'),
  fail_if_body_matches_regexp: z.array(patternText).default([]).describe('Fail if any matches the body.'),
  fail_if_body_not_matches_regexp: z.array(patternText).default([]).describe('Fail if any does not match the body.'),
  fail_if_header_matches: z
    .array(headerRule)
    .default([])
    .describe('Fail if any value of the header matches, or it is missing.'),
  fail_if_header_not_matches: z
    .array(headerRule)
    .default([])
    .describe('Fail if no value of the header matches, or it is missing.'),
  compression: z
    .enum(encodings)
    .or(z.literal(''))
    .default('')
    .describe('Decompress the body with this, whatever the answer says.'),
  body_size_limit: z
    .string()
    .refine((text) => parseSize(text) !== undefined, { error: 'not a size; write for example 10MB' })
    .default('0')
    .describe('Fail if the decompressed body is larger; 0: only what the matchers see is limited, to 10MB.'),
  body_match_limit: z
    .string()
    .refine((text) => parseSize(text) !== undefined, { error: 'not a size; write for example 64KB' })
    .default('0')
    .describe('Match only so much of the body, from its start, and read the rest unseen; 0: all of it.'),
  basic_auth: basicAuth.optional().describe('User name and password.'),
  authorization: authorization.optional().describe('Credentials of another scheme.'),
  bearer_token: secretText.optional().describe('Deprecated: authorization.credentials.'),
  bearer_token_file: z.string().optional().describe('Deprecated: authorization.credentials_file.'),
  tls_config: tlsSettings.prefault({}).describe('TLS settings.'),
  enable_http2: z.boolean().default(true).describe('Offer HTTP/2 in the TLS handshake.'),
  ...addressShape,
  ...everyAddressShape,
  oauth2: later('oauth2'),
  proxy_url: later('a proxy'),
  no_proxy: later('a proxy'),
  proxy_from_environment: later('a proxy'),
  proxy_connect_header: later('a proxy'),
  skip_resolve_phase_with_proxy: later('a proxy'),
  enable_http3: later('HTTP/3'),
  fail_if_body_json_matches_cel: later('CEL'),
  fail_if_body_json_not_matches_cel: later('CEL'),
});

const reserved = new Set(
  'authorization host content-encoding content-length content-type user-agent connection keep-alive proxy-authenticate proxy-authorization www-authenticate accept-encoding x-prometheus-remote-write-version x-prometheus-remote-read-version x-prometheus-scrape-timeout-seconds x-amz-date x-amz-security-token x-amz-content-sha256'.split(
    ' ',
  ),
);
const headerName = /^[!#$%&'*+.^_`|~\w-]+$/;

/** The `http` block of a module, in blackbox_exporter's words. */
export const httpSettings = shape.superRefine((http, context) => {
  const refuse = (path: readonly (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path: [...path], message });
  const given = (['basic_auth', 'authorization', 'bearer_token', 'bearer_token_file'] as const).filter(
    (key) => http[key] !== undefined,
  );
  if (given.length > 1) refuse([given[1] ?? ''], `at most one of ${given.join(' and ')}`);
  if (http.body !== '' && http.body_file !== undefined) refuse(['body_file'], 'at most one of body and body_file');
  for (const [key, names] of [
    ['headers', Object.keys(http.headers)],
    ['http_headers', Object.keys(http.http_headers)],
  ] as const) {
    for (const name of names) if (!headerName.test(name)) refuse([key, name], 'not the name of a header');
  }
  for (const name of Object.keys(http.http_headers))
    if (reserved.has(name.toLowerCase()))
      refuse(['http_headers', name], 'set this header by its own key or under headers');
  const asked = Object.entries(http.headers).find(([name]) => name.toLowerCase() === 'accept-encoding')?.[1];
  if (http.compression !== '' && typeof asked === 'string' && !acceptsEncoding(asked, http.compression))
    refuse(['compression'], `the header Accept-Encoding does not ask for ${http.compression}`);
});

/** See {@link httpSettings}. */
export type HttpSettings = z.output<typeof httpSettings>;
