import type { Field, ResponseHead } from '../../protocol/http1-head.ts';

/** The head of an answer. Header names are in lower case, a header that comes twice has two values; values are byte text. */
export type Head = {
  readonly status: number;
  readonly version: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
};

/** The head of a response as it came, in the form that rules are looked up in. */
export const headOf = ({ status, version, fields }: ResponseHead): Head => ({
  status,
  version,
  headers: headerMap(fields),
});

const headerMap = (fields: readonly Field[]): Map<string, string[]> => {
  const headers = new Map<string, string[]>();
  for (const [given, value] of fields) {
    const name = given.toLowerCase();
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else values.push(value);
  }
  return headers;
};

/** The Location of an answer as a text; `undefined` if there is none, or it is empty, which to Go is none. */
export const locationText = ({ headers }: Head): string | undefined =>
  headers.get('location')?.find((value) => value !== '');
