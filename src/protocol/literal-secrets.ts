import { isSecretName } from './secret-names.ts';

/** Forms by which a secret is known wherever it stands. The first group is the secret. */
const shapes: readonly RegExp[] = [
  /\b(?:Bearer|Basic|Token|Digest|Negotiate|ApiKey)\s+([\w.~+/=-]{8,})/gi,
  // A JSON Web Token (RFC 7519).
  /\b(eyJ[\w-]{8,2048}\.[\w-]{8,4096}\.[\w-]*)/g,
  /\b((?:gh[pousr]_|github_pat_|glpat-|xox[abposr]-|sk-|pk-|rk_live_|sk_live_|AKIA|ASIA|AIza|hvs\.|dop_v1_|npm_|SG\.)[\w.-]{12,})/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*([\w+/=\s]+)/g,
];

/** Commands of protocols that log in, at the start of a line: POP3, FTP, IRC, SMTP, IMAP, Redis. The first group is the secret. */
const commands: readonly RegExp[] = [
  /^[ \t]*PASS[ \t]+:?(\S.*)$/gim,
  /^[ \t]*AUTH[ \t]+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|EXTERNAL|NTLM)[ \t]+(\S+)/gim,
  /^[ \t]*AUTH[ \t]+(?!(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|EXTERNAL|NTLM|CRAM-MD5|TLS|SSL)\b)(\S.*)$/gim,
  /^[ \t]*HELLO[ \t]+\d[ \t]+AUTH[ \t]+\S+[ \t]+(\S+)/gim,
  /^[ \t]*(?:\S+[ \t]+)?LOGIN[ \t]+\S+[ \t]+(\S.*)$/gim,
  /^[ \t]*(?:\S+[ \t]+)?AUTHENTICATE[ \t]+\S+[ \t]+(\S+)/gim,
  /^[ \t]*OPER[ \t]+\S+[ \t]+(\S+)/gim,
];

/** `name=value`, `"name": "value"`, `Name: value` on a line of its own. */
const pairs =
  /["']?([A-Za-z][\w.-]{0,60})["']?[ \t]{0,8}(?:=|:)[ \t]{0,8}(?:"([^"]*)"|'([^']*)'|([^"'&;,{}[\]<>\r\n]+))/g;
const headerLines = /^([A-Za-z][\w-]{0,60}):[ \t]*(.+)$/gm;
const elements = /<([\w:.-]{1,60})(?:\s[^<>]*)?>([^<>]+)<\//g;

/** Where secrets are looked for, in characters from the start. */
const mostText = 65_536;

/** What a template puts there is not written out. */
const isTemplate = (value: string): boolean => /^\$(?:\d+|\w+|\{[^{}]*\})$/.test(value);

/**
 * The secrets that are written out in a text that is sent: the body of a request, or a line of a dialogue. Found by the names before
 * them, by their own form, and by commands that log in; within the first 64 KiB. Never throws.
 */
export const secretsInText = (whole: string): readonly string[] => {
  const text = whole.slice(0, mostText);
  const found = new Set<string>();
  const add = (value: string | undefined) => {
    const trimmed = value?.trim() ?? '';
    if (trimmed !== '' && !isTemplate(trimmed)) found.add(trimmed);
  };
  for (const shape of [...shapes, ...commands]) for (const [, secret] of text.matchAll(shape)) add(secret);
  for (const [, name = '', double, single, bare] of text.matchAll(pairs)) {
    const value = double ?? single ?? bare?.trim() ?? '';
    if (isSecretName(name, value)) for (const part of secretParts(value)) add(part);
  }
  for (const [, name = '', value = ''] of text.matchAll(headerLines))
    if (isSecretName(name, value)) for (const part of secretParts(value.trim())) add(part);
  for (const [, name = '', value = ''] of text.matchAll(elements)) if (isSecretName(name, value)) add(value);
  return [...found];
};

const schemes = /^(?:Bearer|Basic|Token|Digest|Negotiate|ApiKey|NTLM|AWS4-HMAC-SHA256|Key)\s+(\S.*)$/i;

/** The parts of a value that are secret: what follows the scheme of credentials, what cookies hold, or all of it. */
export const secretParts = (value: string): readonly string[] => {
  const credentials = schemes.exec(value)?.[1];
  if (credentials !== undefined) return [credentials];
  const cookies = value.split(';').map((one) => /^\s*[\w.-]+=(.{4,})$/.exec(one)?.[1]?.trim());
  return cookies.every((cookie) => cookie !== undefined) ? cookies : [value];
};

/** Whether a header's value is a secret: by its name, or by its own form. */
export const isSecretHeader = (name: string, value: string): boolean =>
  isSecretName(name, value) || shapes.some((shape) => value.search(shape) !== -1);

/** Commands after which the next lines are the secret (SMTP and POP3: `AUTH LOGIN`; Redis and others have it in the line). */
const asks = /^\s*(?:\S+\s+)?(?:AUTH|AUTHENTICATE)\s+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5|NTLM)\s*$/i;

/** The secrets that are written out in the lines of a dialogue, line by line. `AUTH LOGIN` makes secrets of the two lines after it. */
export const secretsInDialogue = (lines: readonly string[]): readonly (readonly string[])[] => {
  let asked = 0;
  return lines.map((line) => {
    if (asks.test(line)) {
      asked = 2;
      return [];
    }
    const answers = asked > 0 && line.trim() !== '' && !isTemplate(line.trim());
    if (line.trim() !== '') asked -= 1;
    return answers ? [line.trim()] : secretsInText(line);
  });
};
