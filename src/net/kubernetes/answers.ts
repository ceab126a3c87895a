/** What is no answer of an API server. */
export class Nonsense extends Error {}

/** An answer that is longer than a page may be. */
export class TooLong extends Nonsense {
  constructor() {
    super('an answer that is too long');
  }
}

/** A page of usual objects is at most some megabytes, and so is a single object of the largest. Read, it takes several times as much. */
const mostPageBytes = 8 * 1_024 * 1_024;

/** The text of an answer's body. Rejects with {@link TooLong} if it is longer than a page may be. */
export const textOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > mostPageBytes) throw new TooLong();
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  // safe: a plain object has texts as keys
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const json = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const metadataOf = (object: unknown) => record(record(object)?.metadata);

/** Namespace and name of an object; `undefined` if it has no name. */
export const keyOf = (object: unknown): string | undefined => {
  const metadata = metadataOf(object);
  const name = text(metadata?.name);
  return name === undefined ? undefined : `${text(metadata?.namespace) ?? ''}/${name}`;
};

/** A page of a list; `next` is where the next one begins. */
type Page = { readonly items: readonly unknown[]; readonly version: string; readonly next: string | undefined };

/** Reads a page of a list. Throws {@link Nonsense} if it is none. */
export const pageOf = (body: string): Page => {
  const page = record(json(body));
  const metadata = record(page?.metadata);
  const version = text(metadata?.resourceVersion);
  if (page === undefined || version === undefined) throw new Nonsense('an answer that is no list');
  return { items: Array.isArray(page.items) ? page.items : [], version, next: text(metadata?.continue) };
};

/** An event of a watch. `code` is that of an ERROR's status. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
  readonly key: string | undefined;
  readonly version: string | undefined;
  readonly code: number | undefined;
};

/** Reads a line of a watch; `undefined` if it is none. Never throws. */
export const eventOf = (line: string): WatchEvent | undefined => {
  const event = record(json(line));
  const type = text(event?.type);
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK' && type !== 'ERROR')
    return undefined;
  const object = event?.object;
  const code = record(object)?.code;
  return {
    type,
    object,
    key: keyOf(object),
    version: text(metadataOf(object)?.resourceVersion),
    code: typeof code === 'number' ? code : undefined,
  };
};
