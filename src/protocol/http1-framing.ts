import type { Field, Malformed, ResponseHead } from './http1-head.ts';

/** How the body of a response ends: at once, after so many bytes, with its last chunk, or when the peer closes. */
export type Framing =
  | { readonly by: 'none' }
  | { readonly by: 'length'; readonly length: number }
  | { readonly by: 'chunks' }
  | { readonly by: 'close' };

/**
 * How the body of a final response to `method` is delimited. Chunked wins over a Content-Length; equal lengths that are
 * repeated count once, different ones are malformed. HTTP/1.0 knows no transfer codings.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3
 */
export const framingOf = ({ version, status, fields }: ResponseHead, method: string): Framing | Malformed => {
  const codings = version < 'HTTP/1.1' ? [] : valuesOf(fields, 'transfer-encoding');
  const [coding = 'chunked'] = codings;
  if (codings.length > 1 || coding.toLowerCase() !== 'chunked')
    return { malformed: 'has a Transfer-Encoding other than chunked' };
  const isChunked = codings.length > 0;
  // An empty length is none, to Go and to browsers.
  const lengths = new Set(isChunked ? [] : valuesOf(fields, 'content-length').filter((value) => value !== ''));
  if (lengths.size > 1) return { malformed: 'has two different values of Content-Length' };
  if (status < 200 || status === 204 || status === 304) return { by: 'none' };
  const [text] = lengths;
  if (text !== undefined && !isLength(text)) return { malformed: 'has a Content-Length that is not a number of bytes' };
  if (method === 'HEAD') return { by: 'none' };
  if (isChunked) return { by: 'chunks' };
  if (text === undefined) return { by: 'close' };
  const length = Number(text);
  return length === 0 ? { by: 'none' } : { by: 'length', length };
};

/** The values of a field by its name in lower case, in order. */
const valuesOf = (fields: readonly Field[], name: string): string[] =>
  fields.filter((field) => field[0].toLowerCase() === name).map(([, value]) => value);

/** Digits alone, and few enough to count exactly. */
const isLength = (text: string): boolean => /^\d{1,19}$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER;
