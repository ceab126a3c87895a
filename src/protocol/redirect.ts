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

/** The URL that a Location leads to, or `undefined` if it is missing, unreadable or neither http nor https. Without user info. */
export const locationOf = (location: string | undefined, from: URL): URL | undefined => {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const url = new URL(location, from);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  // The peer chose it: credentials come from the list alone.
  url.username = '';
  url.password = '';
  return url;
};

/**
 * The origin that gets the credentials of a request after a redirect to `next`: the one before if the redirect stays there, its https
 * form if it goes there, and `undefined` for good once one has led elsewhere. The https form is that of strict transport security:
 * the same host, 443 instead of 80, any other port as it is. From there plain http is elsewhere.
 * @see https://www.rfc-editor.org/rfc/rfc6454#section-4
 * @see https://www.rfc-editor.org/rfc/rfc6797#section-8.3
 */
export const ownOriginAfter = (own: string | undefined, next: URL): string | undefined => {
  if (own === undefined || own === next.origin) return own;
  return httpsForm(new URL(own)) === next.origin ? next.origin : undefined;
};

const httpsForm = ({ protocol, host }: URL): string | undefined =>
  // A URL has no port where it is the scheme's own.
  protocol === 'http:' ? new URL(`https://${host}`).origin : undefined;
