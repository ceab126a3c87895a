import type { ServerResponse } from 'node:http';
import type { Status } from '../page/status.ts';
import type { PageFile } from './page-file.ts';
import type { Route } from './web-server.ts';

/** What the doors of an agent show. */
export type Shown = {
  readonly page: PageFile;
  readonly status: () => Status;
  readonly metrics: () => string;
  /** Reads the list anew; resolves with what is wrong with it. Without it there is nothing to reload. */
  readonly reload?: () => Promise<readonly string[]>;
  readonly ready: () => boolean;
};

/** The doors of an agent: page, status, metrics, health, reload. */
export const agentRoutes = ({ page, status, metrics, reload, ready }: Shown): readonly Route[] => [
  {
    method: 'GET',
    path: '/',
    handle: (_request, response) => {
      response.setHeader('Content-Security-Policy', page.policy);
      send(response, 200, 'text/html; charset=utf-8', page.html);
    },
  },
  {
    method: 'GET',
    path: '/api/status',
    handle: (_request, response) => send(response, 200, 'application/json', JSON.stringify(status())),
  },
  {
    method: 'GET',
    path: '/metrics',
    handle: (_request, response) => send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', metrics()),
  },
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
        {
          method: 'POST',
          path: '/-/reload',
          handle: async (_request, response) => {
            const problems = await reload();
            if (problems.length === 0) send(response, 200, plain, 'The list is in use.\n');
            else send(response, 422, plain, problems.map((problem) => `${problem}\n`).join(''));
          },
        } satisfies Route,
      ]),
];

const plain = 'text/plain; charset=utf-8';

const send = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
};
