type Block = Readonly<Record<string, unknown>>;

const isBlock = (value: unknown): value is Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('secret' in value);

/**
 * Lays one block of settings over another, key by key: mappings are merged, everything else is replaced, null takes a
 * key away. References to secrets are values, not mappings.
 */
export const overlay = (below: Block, above: Block | undefined): Block => {
  if (above === undefined) return below;
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const there = result[key];
    if (value === null) delete result[key];
    else result[key] = isBlock(value) ? overlay(isBlock(there) ? there : {}, value) : value;
  }
  return result;
};
