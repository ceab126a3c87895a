/** Body encodings that can be undone. `deflate` is zlib's or raw. */
export const encodings = ['gzip', 'br', 'deflate', 'zstd', 'identity'] as const;

/** One of {@link encodings}. */
export type Encoding = (typeof encodings)[number];

/**
 * Whether a header `Accept-Encoding` asks for an encoding: the entry of the highest quality that names it or `*` has a quality
 * above 0; an empty header asks for everything. As blackbox_exporter decides it.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export const acceptsEncoding = (header: string, encoding: string): boolean => {
  if (header.trim() === '') return true;
  const entries = header
    .split(',')
    .map((entry) => {
      const [name = '', quality] = entry.split(';').map((part) => part.trim());
      const weight = quality === undefined ? 1 : Number(/^q=(.+)$/.exec(quality)?.[1] ?? Number.NaN);
      return { name, quality: Number.isNaN(weight) ? 0 : weight };
    })
    .sort((a, b) => b.quality - a.quality);
  const found = entries.find(({ name }) => name === encoding || name === '*');
  return found !== undefined && found.quality > 0;
};
