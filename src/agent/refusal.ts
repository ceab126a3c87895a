import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { demandsCredentials, type Locks } from './locks.ts';
import { hostOf } from './served-hosts.ts';

/** An answer of one line to a request that is not served. */
export type Refusal = { readonly status: number; readonly text: string; readonly headers?: Record<string, string> };

/** What decides about a request. */
export type Rules = {
  readonly locks: () => Locks;
  readonly servesHost: (name: string) => boolean;
  readonly isTls: boolean;
};

/** What a route asks of a request; see `Route`. */
type Demands = { readonly method: string; readonly open?: boolean; readonly guarded?: boolean };

/**
 * Why a request is not served under the host that it names. Two Host headers are refused (RFC 9112, section 3.2). Where
 * credentials are demanded any name will do, since a browser has none for a name of an attacker's; so it will for health.
 */
export const refusalOfHost = (
  { headers, rawHeaders }: IncomingMessage,
  route: Demands | undefined,
  { locks, servesHost }: Rules,
): Refusal | undefined => {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) return { status: 400, text: 'Host: more than one header; send one' };
  const name = hostOf(headers.host ?? '');
  if (headers.host !== undefined && headers.host !== '' && name === undefined)
    return { status: 400, text: 'Host: malformed header' };
  if (route?.open === true || demandsCredentials(locks()) || servesHost(name ?? '')) return undefined;
  return {
    status: 421,
    text: 'Host: this name is not served; use the IP address, or start the agent with --host-name NAME',
  };
};

/** Why a request is refused by its credentials, its origin or its peer; `undefined` if it is served. */
export const refusalOf = async (
  request: IncomingMessage,
  route: Demands | undefined,
  { locks, isTls }: Rules,
): Promise<Refusal | undefined> => {
  if (route === undefined || route.open === true) return undefined;
  const now = locks();
  const refusal = await refusalOfPerson(request, now);
  if (refusal !== undefined) return refusal;
  // A page of another site may send a form here; it cannot hide where it comes from.
  if (route.method === 'POST' && !isOwnOrigin(request, isTls))
    return { status: 403, text: 'Origin: requests from pages of other sites are refused' };
  if (route.guarded === true && !demandsCredentials(now) && !isFromHere(request))
    return {
      status: 403,
      text: `refused from ${request.socket.remoteAddress ?? 'this address'}: send it from the agent's own machine or pod, or set credentials with --web-config. A changed list is reloaded without a request`,
    };
  return undefined;
};

const refusalOfPerson = async ({ socket, headers }: IncomingMessage, { admits, client }: Locks) => {
  if (client !== undefined && !(socket instanceof TLSSocket && client.admits(socket)))
    return { status: 403, text: 'a valid client certificate is required' };
  const verdict = await admits?.(headers.authorization, socket.remoteAddress ?? '');
  if (verdict === 'busy')
    return { status: 429, text: 'too many passwords to check; try again', headers: { 'Retry-After': '1' } };
  if (verdict === 'refused')
    return {
      status: 401,
      text: 'credentials are required',
      headers: { 'WWW-Authenticate': 'Basic realm="bothways", charset="UTF-8"' },
    };
  return undefined;
};

/** Headers of proxies. They never make a request local: they show that it may come from elsewhere. */
const forwarding = /^(?:forwarded|via|x-real-ip|x-request-id|x-forwarded-.*|x-envoy-.*)$/;

/** Addresses of programs on this machine. Others of 127.0.0.0/8 are those of sidecars, which forward what comes from outside. */
const ownAddress = /^(?:(?:::ffff:)?127\.0\.0\.1|::1)$/;

/** Whether a request comes from this machine (in a pod: from the pod), and not through a proxy on it. */
const isFromHere = ({ socket, headers }: IncomingMessage): boolean =>
  ownAddress.test(socket.remoteAddress ?? '') && !Object.keys(headers).some((name) => forwarding.test(name));

const isOwnOrigin = ({ headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage, isTls: boolean): boolean =>
  (origin === undefined || origin === `http${isTls ? 's' : ''}://${host}`) &&
  (site === undefined || site === 'same-origin' || site === 'none');
