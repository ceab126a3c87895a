import { Buffer } from 'node:buffer';
import type { Field } from './http1-head.ts';

/** A request as it goes out. `headers` hold Host and are byte text: each character is one byte. */
export type RequestParts = {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Field[];
  readonly body: Uint8Array | undefined;
};

/** The bytes of a request, the head apart from the body. `awaitsContinue` if the body is to be held back (RFC 9110, section 10.1.1). */
export type RequestBytes = {
  readonly head: Buffer;
  readonly body: Uint8Array | undefined;
  readonly awaitsContinue: boolean;
};

/** Headers that the body decides, whatever the list says; Go leaves the same three out. */
const computed = new Set(['content-length', 'transfer-encoding', 'trailer']);

/** Methods that announce an empty body too (RFC 9110, section 8.6). */
const withLength = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Writes a request for a connection of its own. It asks the server to close, unless the list asks for an upgrade; a Connection header of
 * the list goes out beside it, as with blackbox_exporter. `undefined` if a name, value or path could end its line.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3
 */
export const requestBytes = ({ method, path, headers, body }: RequestParts): RequestBytes | undefined => {
  if (unsafe.test(method) || unsafe.test(path)) return undefined;
  let text = `${method} ${path} HTTP/1.1\r\n`;
  let connection = '';
  let isUpgrade = false;
  let awaitsContinue = false;
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (computed.has(key)) continue;
    if (unsafe.test(name) || unsafe.test(value)) return undefined;
    if (key === 'connection') connection += `,${value.toLowerCase()}`;
    else if (key === 'upgrade') isUpgrade = value !== '';
    else if (key === 'expect') awaitsContinue = value.toLowerCase() === '100-continue' && body !== undefined;
    text += `${name}: ${value}\r\n`;
  }
  const options = connection.split(',').map((option) => option.trim());
  if (!options.includes('close') && !(isUpgrade && options.includes('upgrade'))) text += 'Connection: close\r\n';
  if (body !== undefined || withLength.has(method)) text += `Content-Length: ${body?.length ?? 0}\r\n`;
  return { head: Buffer.from(`${text}\r\n`, 'latin1'), body, awaitsContinue };
};

/** Control characters other than a tab, and what is not a byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they would end a line or a header (RFC 9110, section 5.5)
const unsafe = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;

/** A text as byte text of its UTF-8 form. */
export const byteText = (text: string): string =>
  /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');

/** Byte text as a text: of UTF-8 where it is valid, else one character a byte. */
export const textOfBytes = (bytes: string): string => {
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes;
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
