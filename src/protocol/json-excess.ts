/** How deep a JSON text may nest, and how many values and brackets it may have. */
export type JsonLimits = { readonly levels: number; readonly values: number };

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];

/**
 * Which limit a JSON text exceeds, before it is parsed: a short text can become many times its size in memory (`[],[],…`), or nest deeper than
 * a stack. `undefined` for a text within the limits, valid or not. Linear in the bytes, which are UTF-8.
 */
export const jsonExcess = (text: Uint8Array, { levels, values }: JsonLimits): keyof JsonLimits | undefined => {
  let level = 0;
  let count = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (isString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) isString = false;
    } else if (byte === quote) isString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      level += 1;
      count += 1;
      if (level > levels) return 'levels';
    } else if (byte === 0x5d || byte === 0x7d) level -= 1;
    else if (byte === comma) count += 1;
    if (count > values) return 'values';
  }
  return undefined;
};
