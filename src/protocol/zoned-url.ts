/** A URL, and the zone of its IPv6 address with the `%` before it; empty for none. */
export type ZonedUrl = { readonly url: URL; readonly zone: string };

/**
 * Reads a URL whose host may be an IPv6 address with a zone: `http://[fe80::1%25eth0]/`, or with the bare `%` that people write. `undefined` if
 * it is not a URL. The URL itself has no zone, since those of browsers have none.
 * @see https://www.rfc-editor.org/rfc/rfc6874
 */
export const zonedUrl = (text: string): ZonedUrl | undefined => {
  const [, before, zone, after] = zoned.exec(text) ?? [];
  const plain = before === undefined || after === undefined ? text : `${before}${after}`;
  if (!URL.canParse(plain)) return undefined;
  return { url: new URL(plain), zone: zone === undefined ? '' : `%${zone}` };
};

const zoned = /^([a-z]+:\/\/(?:[^/?#@]*@)?\[[\da-f:.]+)%(?:25(?!\]))?([\w.~-]{1,64})(\].*)$/is;
