/** Whether a status is a redirect that is followed (RFC 9110, section 15.4). */
export const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308;

/**
 * The method after a redirect: 301, 302 and 303 turn everything but GET and HEAD into GET without a body, 307 and 308 keep
 * method and body (RFC 9110, sections 15.4.2 to 15.4.9, and what clients do).
 */
export const methodAfter = (
  status: number,
  method: string,
): { readonly method: string; readonly keepsBody: boolean } => {
  if (status === 307 || status === 308) return { method, keepsBody: true };
  return { method: method === 'HEAD' ? 'HEAD' : 'GET', keepsBody: false };
};

/** The URL that a Location leads to, or `undefined` if it is missing, unreadable or neither http nor https. */
export const locationOf = (location: string | undefined, from: URL): URL | undefined => {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const url = new URL(location, from);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
};
