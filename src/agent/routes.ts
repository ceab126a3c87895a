import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Status } from '../page/status.ts';
import type { PageFile } from './page-file.ts';
import { type SharedBody, sharedBody, takesGzip } from './shared-body.ts';
import { sharedReload } from './shared-reload.ts';
import type { Route } from './web-server.ts';

/** What the door of an agent shows. */
export type Shown = {
  readonly page: PageFile;
  readonly status: () => Status;
  readonly metrics: () => string;
  /** Reads the list again; resolves with what is wrong with it. Without it there is nothing to reload. */
  readonly reload?: () => Promise<readonly string[]>;
  readonly ready: () => boolean;
  /** Waits between two reloads by request; five seconds if not given. */
  readonly pause?: () => Promise<unknown>;
};

/**
 * The door of an agent: page, status, metrics, health, reload. Status and metrics are made at most once a second, and at
 * once after a reload, however many requests there are; the list is reloaded at most once in five seconds.
 */
export const agentRoutes = ({ page, status, metrics, reload, ready, pause }: Shown): readonly Route[] => {
  const html = Buffer.from(page.html);
  const statusBody = sharedBody(() => JSON.stringify(status()));
  const metricsBody = sharedBody(metrics);
  return [
    {
      method: 'GET',
      path: '/',
      handle: (_request, response) => {
        response.setHeader('Content-Security-Policy', page.policy);
        send(response, 200, 'text/html; charset=utf-8', html);
      },
    },
    { method: 'GET', path: '/api/status', handle: shares(statusBody, 'application/json') },
    { method: 'GET', path: '/metrics', handle: shares(metricsBody, 'text/plain; version=0.0.4; charset=utf-8') },
    {
      method: 'GET',
      path: '/-/healthy',
      open: true,
      handle: (_request, response) => send(response, 200, plain, 'Healthy.\n'),
    },
    {
      method: 'GET',
      path: '/-/ready',
      open: true,
      handle: (_request, response) =>
        ready() ? send(response, 200, plain, 'Ready.\n') : send(response, 503, plain, 'Not ready.\n'),
    },
    ...(reload === undefined
      ? []
      : [
          reloadRoute(
            sharedReload(async () => {
              const problems = await reload();
              for (const body of [statusBody, metricsBody]) body.expire();
              return problems;
            }, pause),
          ),
        ]),
  ];
};

const reloadRoute = (reload: () => Promise<readonly string[]>): Route => ({
  method: 'POST',
  path: '/-/reload',
  guarded: true,
  handle: async (_request, response) => {
    const problems = await reload();
    if (problems.length === 0) send(response, 200, plain, 'The list is in use.\n');
    else send(response, 422, plain, problems.map((problem) => `${problem}\n`).join(''));
  },
});

const shares =
  ({ get }: SharedBody, type: string): Route['handle'] =>
  async (request: IncomingMessage, response: ServerResponse) => {
    const { bytes, gzipped } = await get(takesGzip(request.headers['accept-encoding']));
    response.setHeader('Vary', 'Accept-Encoding');
    if (gzipped) response.setHeader('Content-Encoding', 'gzip');
    send(response, 200, type, bytes);
  };

const plain = 'text/plain; charset=utf-8';

const send = (response: ServerResponse, status: number, type: string, body: string | Buffer): void => {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
};
