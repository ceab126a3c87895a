import * as z from 'zod';
import { type RemoteWriteSettings, remoteWriteSettings } from '../sinks/remote-write.ts';
import type { Path } from './problem.ts';

/** A row of `remote_write`: Prometheus's block, and `from`: which vantages push here. */
export const endpointSchema = remoteWriteSettings.safeExtend({
  from: z.array(z.string().min(1)).min(1).optional().describe('Vantages that push here; all if not set.'),
});

/** Where samples go. `from` are names of vantages, `settings` what the sink takes. */
export type Endpoint = {
  readonly name: string;
  readonly from: readonly string[];
  readonly settings: RemoteWriteSettings;
};

/** Prometheus's keys that mean nothing here, and why. */
const foreign: Readonly<Record<string, string>> = {
  send_exemplars: 'there are no exemplars here',
  send_native_histograms: 'there are no histograms here',
  follow_redirects: 'redirects of a receiver are never followed',
  enable_http2: 'pushes use HTTP/1.1',
  round_robin_dns: 'one connection is kept',
  http_headers: 'write `headers` instead',
  min_shards: 'there is one request in flight at a time, so that samples stay in order',
  max_shards: 'there is one request in flight at a time, so that samples stay in order',
  sample_age_limit: 'old samples are kept as long as the queue has room',
};

/** Why a key of Prometheus's `remote_write` is not accepted; `undefined` for keys that are not Prometheus's. */
export const unsupportedKey = (path: Path, key: string): string | undefined => {
  const why = path[0] === 'remote_write' && Object.hasOwn(foreign, key) ? foreign[key] : undefined;
  return why === undefined ? undefined : `not supported, take it out: ${why}`;
};
