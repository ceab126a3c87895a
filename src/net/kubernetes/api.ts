import type { IncomingMessage } from 'node:http';
import { request as overTcp } from 'node:http';
import { Agent, request as overTls } from 'node:https';
import { unusable } from '../unusable.ts';

/** Where an API server is, and how to be admitted. */
export type KubernetesPlace = {
  /** Base URL, for example `https://10.0.0.1:443`. */
  readonly server: string;
  /** File with the bearer token; read for each request, since it rotates. */
  readonly tokenFile?: string | undefined;
  /** File with the certificates that the server is verified by; Node's own if not set. */
  readonly caFile?: string | undefined;
};

/** The head of an answer; `body` is to be read or left by `discard`. */
export type KubernetesAnswer = {
  readonly status: number;
  /** Milliseconds to wait that the server asks for, by `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  readonly body: AsyncIterable<Buffer>;
  readonly discard: () => void;
};

/** Reads from an API server. */
export type KubernetesApi = Disposable & {
  /** Asks once for a path; again, with the token read anew, after a 401. Rejects with the system's error, or a sentence. */
  readonly get: (path: string, signal: AbortSignal) => Promise<KubernetesAnswer>;
};

/** Where a pod finds its own API server; `undefined` outside a cluster. */
export const placeInCluster = (
  environment: Readonly<Record<string, string | undefined>>,
): KubernetesPlace | undefined => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (host === undefined || host === '') return undefined;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tokenFile: `${mounted}/token`,
    caFile: `${mounted}/ca.crt`,
  };
};

/** The token in a file. Throws, without repeating it, for what no header can hold (RFC 6750, section 2.1). */
const tokenIn = (path: string, content: Buffer): string => {
  const token = content.toString('utf8').trim();
  if (!/^[\w.~+/-]+=*$/.test(token)) throw unusable(`the file ${path} holds no bearer token`, 'NO_TOKEN');
  return token;
};

const mounted = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How long the head of an answer may take, in milliseconds. */
const headMs = 10_000;

/**
 * Opens nothing before the first request. A file is read for each request; connections are kept while the CA stays the same.
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
export const kubernetesApi = (
  { server, tokenFile, caFile }: KubernetesPlace,
  file: (path: string) => Promise<Buffer>,
): KubernetesApi => {
  const base = new URL(server);
  let agent: { readonly ca: string | undefined; readonly agent: Agent } | undefined;

  const agentWith = async (): Promise<Agent> => {
    const ca = caFile === undefined ? undefined : (await file(caFile)).toString('utf8');
    if (agent === undefined || agent.ca !== ca) {
      agent?.agent.destroy();
      agent = { ca, agent: new Agent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) }) };
    }
    return agent.agent;
  };

  const once = async (path: string, signal: AbortSignal): Promise<IncomingMessage> => {
    const token = tokenFile === undefined ? undefined : tokenIn(tokenFile, await file(tokenFile));
    const headers = {
      Accept: 'application/json',
      'User-Agent': 'bothways',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    };
    const url = new URL(base.pathname.replace(/\/$/, '') + path, base);
    const limit = AbortSignal.timeout(headMs);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent =
      url.protocol === 'http:'
        ? overTcp(url, { headers, signal })
        : overTls(url, { headers, signal, agent: await agentWith() });
    const late = () => sent.destroy(new Error(`no answer within ${headMs / 1_000} s`));
    limit.addEventListener('abort', late, { once: true });
    sent.on('error', reject);
    sent.on('response', (message) => {
      limit.removeEventListener('abort', late);
      resolve(message);
    });
    sent.end();
    return promise;
  };

  return {
    get: async (path, signal) => {
      let message = await once(path, signal);
      if (message.statusCode === 401) {
        message.destroy();
        message = await once(path, signal);
      }
      const seconds = Number(message.headers['retry-after'] ?? Number.NaN);
      const read = message;
      return {
        status: read.statusCode ?? 0,
        retryAfterMs: seconds >= 0 && seconds <= 3_600 ? seconds * 1_000 : undefined,
        body: read,
        discard: () => void read.destroy(),
      };
    },
    [Symbol.dispose]: () => agent?.agent.destroy(),
  };
};
