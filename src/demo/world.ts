import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { makeCertificates } from './certificates.ts';
import { nameServer, type Running, tcpPort, webSite } from './servers.ts';

/** The small world of the demo: targets that are well, ill, slow, and some that break and mend while one looks. */
export type World = AsyncDisposable & {
  /** Entries of a target list. */
  readonly targets: readonly Readonly<Record<string, unknown>>[];
};

/**
 * How the world's time goes. `now` is a clock in milliseconds; `speed` is how many of the world's seconds pass in one of its.
 */
export type WorldOptions = { readonly now?: () => number; readonly speed?: number };

/** Seconds of a cycle, from which second of it on something is broken, and for how many. */
type Rhythm = { readonly every: number; readonly brokenFrom: number; readonly brokenFor: number };

const rhythms = {
  shop: { every: 50, brokenFrom: 25, brokenFor: 8 },
  checkout: { every: 40, brokenFrom: 25, brokenFor: 15 },
  login: { every: 50, brokenFrom: 15, brokenFor: 10 },
  'orders-db': { every: 50, brokenFrom: 40, brokenFor: 10 },
  'partner-api': { every: 60, brokenFrom: 40, brokenFor: 20 },
} as const satisfies Record<string, Rhythm>;

/** Starts it on loopback; certificates are made now, ports are the system's choice. */
export const world = async ({ now = () => performance.now(), speed = 1 }: WorldOptions = {}): Promise<World> => {
  const startedAt = now();
  const isBroken = (name: keyof typeof rhythms): boolean => {
    const { every, brokenFrom, brokenFor } = rhythms[name];
    const second = (((now() - startedAt) / 1_000) * speed) % every;
    return second >= brokenFrom && second < brokenFrom + brokenFor;
  };
  const { authority, good, soon, expired, incomplete } = await makeCertificates();
  await using stack = new AsyncDisposableStack();
  const ends = new AbortController();
  stack.defer(() => ends.abort());
  const answerAfter = async (response: ServerResponse, ms: number): Promise<void> => {
    await wait(ms, undefined, { signal: ends.signal }).catch(() => {});
    answer(response, 200);
  };
  const open = async (running: Promise<Running>) => stack.use(await running).port;
  // It has troubles of its own, and those of the database that it stands on.
  const shop = await open(
    webSite((_request, response) => {
      if (isBroken('shop') || isBroken('orders-db')) answer(response, 503);
      else void answerAfter(response, 5 + Math.random() * 20);
    }, good),
  );
  const ports = {
    slow: await open(webSite((_request, response) => void answerAfter(response, 400 + Math.random() * 500), good)),
    checkout: await open(webSite((_request, response) => answer(response, isBroken('checkout') ? 503 : 200), good)),
    login: await open(
      webSite(
        (_request, response) => answer(response, 200),
        good,
        () => isBroken('login'),
      ),
    ),
    legacy: await open(webSite((_request, response) => answer(response, 200), expired)),
    partner: await open(webSite((_request, response) => answer(response, 200), incomplete)),
    soon: await open(webSite((_request, response) => answer(response, 200), soon)),
    redirect: await open(
      webSite((_request, response) => void response.writeHead(301, { Location: `https://localhost:${shop}/` }).end()),
    ),
    service: await open(webSite((_request, response) => answer(response, 200))),
    api: await open(
      webSite(
        (_request, response) => void answerAfter(response, isBroken('partner-api') ? 600 : 20 + Math.random() * 30),
      ),
    ),
    database: await open(
      tcpPort((socket) => void (isBroken('orders-db') ? socket.resetAndDestroy() : socket.end('ready for orders\r\n'))),
    ),
    names: await open(nameServer(new Map([['shop.demo.test', '192.0.2.10']]))),
  };
  const trusted = { http: { preferred_ip_protocol: 'ip4', tls_config: { ca: authority } } };
  const outside = (name: string, target: string) => ({ name, target, side: 'outside', ...trusted });
  const inside = (name: string, target: string, more: object = {}) => ({ name, target, side: 'inside', ...more });
  const running = stack.move();
  return {
    targets: [
      {
        ...outside('shop', `https://localhost:${shop}/`),
        labels: { team: 'checkout' },
        slo: { objective: 99.9 },
        inside: ['orders-db', 'partner-api'],
      },
      { ...outside('checkout', `https://localhost:${ports.checkout}/`), labels: { team: 'checkout' } },
      outside('login', `https://localhost:${ports.login}/`),
      outside('slow', `https://localhost:${ports.slow}/`),
      outside('legacy', `https://localhost:${ports.legacy}/`),
      outside('partner', `https://localhost:${ports.partner}/`),
      outside('soon', `https://localhost:${ports.soon}/`),
      outside('old-address', `http://localhost:${ports.redirect}/`),
      inside('shop-svc', `http://127.0.0.1:${ports.service}/healthz`, { labels: { team: 'checkout' } }),
      inside('orders-db', `tcp://127.0.0.1:${ports.database}`, {
        labels: { team: 'orders' },
        tcp: { query_response: [{ expect: '^ready' }] },
      }),
      inside('names', `dns://127.0.0.1:${ports.names}/shop.demo.test`),
      inside('partner-api', `http://127.0.0.1:${ports.api}/`),
    ],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
};

const answer = (response: ServerResponse, status: number): void => void response.writeHead(status).end(`${status}\n`);
