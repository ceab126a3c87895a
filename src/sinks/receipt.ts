import type { Receipt } from './sink.ts';

/** The parts of a receiver's answer that decide. `now` is our clock when it came, in milliseconds since the epoch. */
export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly date: string | undefined;
  readonly retryAfter: string | undefined;
  readonly now: number;
};

/**
 * What an answer means for the batch. 2xx accepted (202: dropped on purpose by Mimir's HA de-duplication), 5xx and 429 retry,
 * 413 split, 401, 403, 404, 405 and redirects pause, any other 4xx refused.
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/#retries--backoff
 */
export const receiptOf = ({ status, text, date, retryAfter, now }: Answer, retries429: boolean): Receipt => {
  const kind = kindOf(status, retries429);
  const skewMs = date === undefined ? Number.NaN : Date.parse(date) - now;
  const afterMs = kind === 'retry' ? retryAfterMs(retryAfter, now) : undefined;
  return {
    kind,
    status,
    ...(kind === 'accepted' ? {} : { why: text === '' ? `status ${status}` : `status ${status}: ${text}` }),
    ...(status === 202 ? { dropped: true as const } : {}),
    ...(afterMs === undefined ? {} : { afterMs }),
    ...(Number.isNaN(skewMs) ? {} : { skewMs }),
  };
};

const kindOf = (status: number, retries429: boolean): Receipt['kind'] => {
  if (status >= 200 && status < 300) return 'accepted';
  if (status >= 500) return 'retry';
  if (status === 429) return retries429 ? 'retry' : 'refused';
  if (status === 413) return 'split';
  // By the letter of the specification these samples are lost. A rotated token must not lose hours of data, so they wait.
  if (status === 401 || status === 403 || status === 404 || status === 405) return 'pause';
  // A POST does not follow a redirect: the address in the list is wrong.
  if (status >= 300 && status < 400) return 'pause';
  return 'refused';
};

const longestRetryAfter = 3_600_000;

/** Milliseconds to wait: seconds or an HTTP date (RFC 9110, section 10.2.3); rubbish and the past are ignored. */
const retryAfterMs = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.min(ms, longestRetryAfter);
};
