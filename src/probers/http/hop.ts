import type { Socket } from 'node:net';
import type { Seconds } from '../../kernel/check.ts';
import type { Failure } from '../../kernel/reason.ts';
import { type AddressFacts, findAddress } from '../../net/address.ts';
import { connectTcp } from '../../net/connect.ts';
import type { ResponseTaker } from '../../net/http-exchange.ts';
import { exchangeHttp1 } from '../../net/http1.ts';
import { exchangeHttp2 } from '../../net/http2.ts';
import type { Context } from '../../net/prober.ts';
import { connectTls } from '../../net/tls.ts';
import type { TlsFacts } from '../../net/tls-facts.ts';
import type { RequestParts } from '../../protocol/http1-request.ts';
import { type Head, headOf } from './head.ts';
import type { Phases } from './metrics.ts';
import type { HttpSettings } from './settings.ts';

/** One request on a connection of its own. */
export type HopPlan = {
  readonly url: URL;
  /** The address to dial, where it is not the URL's host: one with a zone. */
  readonly dialHost?: string | undefined;
  readonly request: RequestParts;
  readonly settings: HttpSettings;
  readonly servername: string;
  readonly taker: {
    readonly onHead: (head: Head) => boolean;
    readonly onBody: ResponseTaker['onBody'];
  };
};

/** What a hop gave, however far it came. */
export type Answered = {
  readonly address: Partial<AddressFacts>;
  readonly phases: Phases;
  readonly tls: TlsFacts | undefined;
  readonly overTls: boolean;
  readonly failures: readonly Failure[];
};

type Line =
  | {
      readonly ok: true;
      readonly socket: Socket;
      readonly phases: Phases;
      readonly readyAt: Seconds;
      readonly tls: TlsFacts | undefined;
    }
  | {
      readonly ok: false;
      readonly phases: Phases;
      readonly failures: readonly Failure[];
      readonly tls: TlsFacts | undefined;
    };

/**
 * Resolves, connects, secures, asks, and hands the answer to the taker. Never rejects; nothing stays open.
 * The phase in which it fails lasts until the failure.
 */
export const hop = async (plan: HopPlan, context: Context): Promise<Answered> => {
  const found = await findAddress(plan.dialHost ?? bareHost(plan.url), plan.settings, context);
  const resolve = found.facts.lookupSeconds ?? 0;
  const address = found.facts;
  if (!found.ok) return { address, phases: { resolve }, tls: undefined, overTls: false, failures: [found.failure] };
  const line = await connect(plan, found.address.ip, context);
  const reached = { resolve, ...line.phases };
  if (!line.ok) return { address, phases: reached, tls: line.tls, overTls: false, failures: line.failures };
  const { taker, request } = plan;
  const exchange = line.tls?.alpn === 'h2' ? exchangeHttp2 : exchangeHttp1;
  const responseTaker: ResponseTaker = {
    onInterim: ({ status }) => context.trace('interim answer', { status }),
    onHead: (head) => taker.onHead(headOf(head)),
    onBody: taker.onBody,
  };
  const exchanged = await exchange(line.socket, request, responseTaker, context.signal, context.mark);
  const { firstByteAt, failure } = exchanged;
  const endedAt = exchanged.endedAt ?? context.mark('failed');
  const phases: Phases =
    firstByteAt === undefined
      ? { ...reached, processing: endedAt - line.readyAt }
      : { ...reached, processing: firstByteAt - line.readyAt, transfer: endedAt - firstByteAt };
  return {
    address,
    phases,
    tls: line.tls,
    overTls: line.tls !== undefined,
    failures: failure === undefined ? [] : [failure],
  };
};

/** The host of a URL without the brackets of an IPv6 address. */
export const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

const connect = async ({ url, settings, servername }: HopPlan, ip: string, context: Context): Promise<Line> => {
  const startedAt = context.mark('dialling');
  const secure = url.protocol === 'https:';
  const dial = { ip, port: url.port === '' ? (secure ? 443 : 80) : Number(url.port) };
  if (!secure) {
    const connected = await connectTcp(dial, context);
    if (!connected.ok) {
      const phases = { connect: context.mark('failed') - startedAt };
      return { ok: false, phases, failures: [connected.failure], tls: undefined };
    }
    return {
      ok: true,
      socket: connected.socket,
      phases: { connect: connected.connectedAt - startedAt },
      readyAt: connected.connectedAt,
      tls: undefined,
    };
  }
  const alpn = settings.enable_http2 ? ['h2', 'http/1.1'] : ['http/1.1'];
  const secured = await connectTls(dial, { servername, settings: settings.tls_config, alpn }, context);
  const { connectedAt, securedAt = context.mark('failed') } = secured;
  const phases: Phases =
    connectedAt === undefined
      ? { connect: securedAt - startedAt }
      : { connect: connectedAt - startedAt, tls: securedAt - connectedAt };
  if (!secured.ok) return { ok: false, phases, failures: secured.failures, tls: secured.facts };
  return { ok: true, socket: secured.socket, phases, readyAt: secured.securedAt, tls: secured.facts };
};
