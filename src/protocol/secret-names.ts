/** A kind of name whose value is a secret. `pattern` is searched for in the words of a name, in lower case, joined by `-`. */
type Row = {
  readonly pattern: RegExp;
  readonly examples: readonly string[];
  /** Values that are shorter are something else: `code=de` is a country. */
  readonly least?: number;
};

/** Names of headers, of parameters in URLs and forms, and of keys in JSON whose values are secrets. */
export const secretNames: readonly Row[] = [
  { pattern: /(?:^|-)keys?$/, examples: ['X-Api-Key', 'Ocp-Apim-Subscription-Key', 'key'] },
  {
    pattern: /(?:api|access|auth|secret|private|signing|master|account|functions|subscription)keys?$/,
    examples: ['apikey'],
  },
  { pattern: /tokens?$/, examples: ['X-Vault-Token', 'access_token', 'PRIVATE-TOKEN', 'authToken'] },
  { pattern: /secrets?$|(?:^|-)secret(?:-|$)/, examples: ['client_secret', 'CF-Access-Client-Secret'] },
  {
    pattern: /(?:password|passwd|passphrase|passcode|passwort)$|(?:^|-)(?:pass|pwd|psw|pw)$/,
    examples: ['password', 'pwd', 'X-Pass'],
  },
  { pattern: /auth(?!or(?!i[sz]))/, examples: ['Authorization', 'X-Auth-User', 'Proxy-Authorization', 'oauth'] },
  { pattern: /credentials?$/, examples: ['X-Amz-Credential', 'credentials'] },
  { pattern: /(?:^|-)(?:sig|sign|signature|hmac|mac)$/, examples: ['sig', 'X-Amz-Signature', 'X-Hub-Signature'] },
  {
    pattern: /(?:^|-)cookie2?$|(?:^|-)sess(?:ion)?$|sess(?:ion)?-?id$|(?:^|-)sid$/,
    examples: ['Cookie', 'session', 'PHPSESSID', 'sid'],
  },
  { pattern: /(?:^|-)(?:jwt|bearer|otp|totp|pin|saml-?(?:request|response))$/, examples: ['jwt', 'otp'] },
  { pattern: /^(?:code|c|k|t|hash|access|assertion|ticket|state)$/, examples: ['code'], least: 20 },
];

/** Names that read like secrets and are none. */
const open =
  /^(?:idempotency|sec-web-?socket|(?:x-)?cache|surrogate|partition|routing|public|primary|foreign|sort|object|group|x-?correlation)-keys?$|^max-(?:new-)?tokens$|^www-authenticate$|-(?:type|method|mode|scheme|version|provider|name|url|uri|host)$/;

/** `clientSecret`, `client_secret`, `Client-Secret`: `client-secret`. */
const wordsOf = (name: string): string =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** Whether what stands under a name (a header, a parameter, a key) is a secret by that name; an empty value is none. */
export const isSecretName = (name: string, value: string): boolean => {
  const words = wordsOf(name);
  if (value === '' || open.test(words)) return false;
  return secretNames.some(({ pattern, least = 1 }) => value.length >= least && pattern.test(words));
};
