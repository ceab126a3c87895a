/**
 * One header field: its name as sent and its value as byte text. Byte text holds one byte in each character (ISO 8859-1), so
 * that values which are not ASCII keep their bytes.
 */
export type Field = readonly [name: string, value: string];

/** The head of a response. `version` is `HTTP/1.1` or the like; `fields` are in the order of the wire. */
export type ResponseHead = { readonly version: string; readonly status: number; readonly fields: readonly Field[] };

/** What is wrong with bytes that should be HTTP, as the end of the sentence "the response ...". */
export type Malformed = { readonly malformed: string };

/**
 * Reads the status line and the fields of a head. `text` is byte text without the empty line at its end; lines end with LF or CRLF.
 * Lenient where Go is: LF alone, folded lines, a blank before the colon, no reason phrase. Strict where it is: another
 * protocol, a status that is not three digits, a line without a colon, control characters.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-4 for the status line, section 5 for the fields
 */
export const responseHead = (text: string): ResponseHead | Malformed => {
  const end = text.indexOf('\n');
  const line = withoutReturn(end === -1 ? text : text.slice(0, end));
  const [, version, digits] = statusLine.exec(line) ?? [];
  if (version === undefined || digits === undefined) return { malformed: notHttp(line) };
  const fields = fieldsOf(end === -1 ? '' : text.slice(end + 1));
  return 'malformed' in fields ? fields : { version, status: Number(digits), fields };
};

/** What is wrong with the first bytes of a response, if they cannot be those of a status line: at least 12 bytes of byte text. */
export const startProblem = (start: string): string | undefined =>
  statusLineStart.test(start) ? undefined : notHttp(start);

const notHttp = (start: string) => `does not begin with an HTTP/1 status line but with ${quoted(start)}`;

/** Reads header or trailer fields from byte text, one a line. */
export const fieldsOf = (text: string): readonly Field[] | Malformed => {
  const fields: [string, string][] = [];
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const line = withoutReturn(end === -1 ? text.slice(start) : text.slice(start, end));
    start = end === -1 ? text.length : end + 1;
    if (control.test(line)) return { malformed: `has a control character in the header line ${quoted(line)}` };
    const first = line.charCodeAt(0);
    if (first === space || first === tab) {
      const last = fields.at(-1);
      if (last === undefined) return { malformed: `has a folded line before any header: ${quoted(line)}` };
      last[1] = `${last[1]} ${trimmed(line)}`.trim();
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === -1) return { malformed: `has a header line without a colon: ${quoted(line)}` };
    const name = line.slice(0, colon).trimEnd();
    if (!fieldName.test(name)) return { malformed: `has a header whose name is not a token: ${quoted(line)}` };
    fields.push([name, trimmed(line.slice(colon + 1))]);
  }
  return fields;
};

/** The first characters of byte text in quotes, with everything but printable ASCII escaped. At most 60 characters are shown. */
export const quoted = (text: string): string => {
  const shown = text
    .slice(0, 60)
    .replace(/[^ -~]|["\\]/g, (character) => escapes[character] ?? `\\x${hexOf(character)}`);
  return `"${shown}"${text.length > 60 ? '...' : ''}`;
};

const escapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\r': '\\r', '\n': '\\n', '\t': '\\t' };
const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0');

/** RFC 9112 wants a blank behind the status; a reason phrase that is missing altogether is common. */
const statusLine = /^(HTTP\/\d\.\d) +(\d{3})(?: .*)?$/s;
const statusLineStart = /^HTTP\/\d\.\d +\d?/;
/** A token (RFC 9110, section 5.6.2), and blanks inside it, which Go, curl and browsers let pass. */
const fieldName = /^[!#$%&'*+.^_`|~\w-][!#$%&'*+.^_`|~\w -]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: field values may not hold them (RFC 9110, section 5.5)
const control = /[\0-\x08\x0a-\x1f\x7f]/;
const space = 0x20;
const tab = 0x09;

const withoutReturn = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line);
const trimmed = (value: string) => value.replace(/^[ \t]+|[ \t]+$/g, '');
