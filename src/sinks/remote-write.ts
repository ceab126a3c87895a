import * as z from 'zod';
import { parseDuration } from '../kernel/duration.ts';
import type { Batch } from '../kernel/sample.ts';
import { codeOf } from '../net/failure.ts';
import type { Kit } from '../net/prober.ts';
import { tunnel, tunnelLimitMs } from '../net/proxy.ts';
import { pushHeaders } from '../net/push-headers.ts';
import { mayBeSecretText, secretText, timerText, tlsSettings } from '../net/settings.ts';
import { whyUnusable } from '../net/unusable.ts';
import { within } from '../net/within.ts';
import { maskedStart, masker } from '../protocol/mask.ts';
import { compress } from '../protocol/snappy.ts';
import { writeRequest } from '../protocol/write-request.ts';
import { receiptOf } from './receipt.ts';
import type { Receipt, StreamSink } from './sink.ts';

/** Headers that are the protocol's own (remote write 1.0, "required headers"). */
const reserved = new Set([
  'content-encoding',
  'content-type',
  'x-prometheus-remote-write-version',
  'user-agent',
  'content-length',
  'host',
  'authorization',
  'retry-attempt',
]);

const queue = z.strictObject({
  capacity: z
    .int()
    .min(1)
    .default(100_000)
    .describe('Samples kept while the receiver is away; the oldest are dropped beyond.'),
  max_samples_per_send: z.int().min(1).default(2_000).describe('Samples in one request at most.'),
  batch_send_deadline: timerText.default('5s').describe('How long samples wait for a request to fill up.'),
  min_backoff: timerText.default('100ms').describe('Shortest wait before a request is sent again.'),
  max_backoff: timerText.default('30s').describe('Longest wait before a request is sent again.'),
  retry_on_http_429: z.boolean().default(true).describe('Send again what was answered with 429.'),
});

const basicAuth = z.strictObject({
  username: mayBeSecretText.describe('User name.'),
  password: secretText.optional().describe('Password.'),
  password_file: z.string().optional().describe('File with the password.'),
});
const authorization = z.strictObject({
  type: z.string().default('Bearer').describe('Authentication scheme.'),
  credentials: secretText.optional().describe('Credentials.'),
  credentials_file: z.string().optional().describe('File with the credentials.'),
});

const later = (what: string) =>
  z
    .never({ error: `${what} is not supported yet` })
    .optional()
    .describe('Not supported yet.');

/** An entry of `remote_write`, in Prometheus's words. */
export const remoteWriteSettings = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('Where to send to.'),
    name: z.string().optional().describe('Name for messages; the host of the URL if not set.'),
    remote_timeout: timerText.default('30s').describe('Time limit of one request.'),
    headers: z
      .record(z.string(), mayBeSecretText)
      .default({})
      .describe('Headers of each request, for example X-Scope-OrgID.'),
    basic_auth: basicAuth.optional().describe('User name and password.'),
    authorization: authorization.optional().describe('Credentials of another scheme.'),
    bearer_token: secretText.optional().describe('Deprecated: authorization.credentials.'),
    bearer_token_file: z.string().optional().describe('Deprecated: authorization.credentials_file.'),
    tls_config: tlsSettings.prefault({}).describe('TLS settings.'),
    protobuf_message: z
      .literal('prometheus.WriteRequest')
      .default('prometheus.WriteRequest')
      .describe('The message to send: remote write 1.0.'),
    queue_config: queue.prefault({}).describe('Queue and retries.'),
    write_relabel_configs: later('relabelling'),
    sigv4: later('sigv4'),
    azuread: later('azuread'),
    google_iam: later('google_iam'),
    oauth2: later('oauth2'),
    proxy_url: later('a proxy'),
    proxy_from_environment: later('a proxy'),
    no_proxy: later('a proxy'),
    proxy_connect_header: later('a proxy'),
    metadata_config: later('metadata_config'),
  })
  .superRefine((settings, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    for (const name of Object.keys(settings.headers))
      if (reserved.has(name.toLowerCase())) refuse(['headers', name], 'this header cannot be set here');
    const given = (['basic_auth', 'authorization', 'bearer_token', 'bearer_token_file'] as const).filter(
      (key) => settings[key] !== undefined,
    );
    if (given.length > 1) refuse([given[1] ?? ''], `at most one of ${given.join(' and ')}`);
    if (URL.canParse(settings.url) && new URL(settings.url).username !== '')
      refuse(['url'], 'credentials do not belong in the URL; use basic_auth with a secret');
  });

/** See {@link remoteWriteSettings}. */
export type RemoteWriteSettings = z.output<typeof remoteWriteSettings>;

/**
 * Sends batches by remote write 1.0, one request each. Secrets are read per request, and read anew after a 401.
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export const remoteWrite = (settings: RemoteWriteSettings, kit: Kit): StreamSink => {
  const timeoutMs = parseDuration(settings.remote_timeout) ?? 30_000;
  const bodies = new WeakMap<Batch, Uint8Array>();
  const sender = connection(settings, kit, timeoutMs);
  const bodyOf = (batch: Batch): Uint8Array => {
    let body = bodies.get(batch);
    if (body === undefined) {
      body = compress(writeRequest(batch.samples));
      bodies.set(batch, body);
    }
    return body;
  };
  const post = async (batch: Batch, attempt: number, signal: AbortSignal, fresh: boolean): Promise<Receipt> => {
    const { request, dispatcher } = await within(signal, sender.open());
    const sent = Date.now();
    const { headers: own, secrets } = await untilStopped(pushHeaders(settings, kit, fresh), signal);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const asked = request(settings.url, {
      method: 'POST',
      dispatcher,
      headers: { ...own, ...(attempt > 1 ? { 'Retry-Attempt': String(attempt - 1) } : {}) },
      body: bodyOf(batch),
      signal: limit,
    });
    const { statusCode, headers, body } = await within(limit, asked);
    const text = statusCode === 204 ? '' : await textOf(body, secrets);
    const read = (name: string) => [headers[name]].flat()[0];
    return receiptOf(
      { status: statusCode, text, date: read('date'), retryAfter: read('retry-after'), now: (sent + Date.now()) / 2 },
      settings.queue_config.retry_on_http_429,
    );
  };
  const send: StreamSink['send'] = async (batch, attempt, signal) => {
    try {
      const receipt = await post(batch, attempt, signal, false);
      return receipt.status === 401 ? await post(batch, attempt, signal, true) : receipt;
    } catch (error) {
      return failed(error, signal, timeoutMs);
    }
  };
  return { kind: 'stream', send, [Symbol.asyncDispose]: sender.close };
};

const secretsLate = 'SECRETS_LATE';

/** Waits for secrets no longer than there is time to send. */
const untilStopped = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  within(signal, work, () => Object.assign(new Error('secrets'), { code: secretsLate }));

/** Errors say their code or class; a message could repeat a header. */
const failed = (error: unknown, signal: AbortSignal, timeoutMs: number): Receipt => {
  const code = codeOf(error);
  if ((code === 'SECRET_UNAVAILABLE' || code === 'PROXY_UNUSABLE') && error instanceof Error)
    return { kind: 'pause', why: error.message };
  if (code === secretsLate) return { kind: 'retry', why: 'its secrets could not be read in time' };
  if (code === 'UND_ERR_INVALID_ARG')
    return { kind: 'pause', why: 'a header of the settings has a value that cannot be sent' };
  const unusable = whyUnusable(error);
  if (unusable !== undefined) return { kind: 'pause', why: unusable };
  if (!signal.aborted && error instanceof Error && error.name === 'TimeoutError')
    return { kind: 'retry', why: `no answer within ${timeoutMs} ms` };
  if (signal.aborted) return { kind: 'retry', why: 'stopped' };
  return { kind: 'retry', why: code === '' ? (error instanceof Error ? error.name : 'failed') : code };
};

/** One connection to the receiver, kept open, loaded on first use; made anew when the TLS settings read differently. */
const connection = (settings: RemoteWriteSettings, kit: Kit, timeoutMs: number) => {
  const closing = new AbortController();
  let opened: { readonly context: unknown; readonly dispatcher: import('undici').Agent } | undefined;
  const open = async () => {
    const { Agent, request } = await import('undici');
    // Reading the trusted roots takes some megabytes, which a receiver in clear text does not need.
    const secure = settings.url.startsWith('https:');
    const context = secure ? (await kit.trust.of(settings.tls_config)).context : undefined;
    if (opened === undefined || opened.context !== context) {
      // Nobody waits for what is under way on the old one: its own limit ends it.
      opened?.dispatcher.close().catch(() => {});
      const { insecure_skip_verify: skips, server_name: servername } = settings.tls_config;
      const secured = {
        ...(context === undefined ? {} : { secureContext: context }),
        rejectUnauthorized: !skips,
        ...(servername === undefined ? {} : { servername }),
      };
      const proxy = kit.proxyFor(settings.url);
      const connect =
        proxy === undefined
          ? { ...secured, signal: closing.signal }
          : tunnel(proxy, { ...secured, limitMs: tunnelLimitMs(timeoutMs), signal: closing.signal });
      opened = { context, dispatcher: new Agent({ connections: 1, pipelining: 1, allowH2: false, connect }) };
    }
    return { request, dispatcher: opened.dispatcher };
  };
  const close = async () => {
    const gone = opened?.dispatcher.destroy();
    // Destroying the dispatcher leaves a connection alone that is not there yet.
    closing.abort();
    await gone;
  };
  return { open, close };
};

/** What is read of an answer's body, in bytes, and what is kept of that, in characters. */
const mostRead = 4_096;
const mostText = 1_024;

/** The start of an answer's body, for people: bounded, one line, without the secrets that it repeats. The rest is not read. */
const textOf = async (body: AsyncIterable<Uint8Array>, secrets: readonly string[]): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= mostRead) break;
  }
  const text = Buffer.concat(chunks).subarray(0, mostRead).toString('utf8');
  return maskedStart(text, masker(secrets), mostText, length >= mostRead);
};
