import type { Endpoint } from '../config/endpoint.ts';
import { parseDuration } from '../kernel/duration.ts';
import type { Kit } from '../net/prober.ts';
import { sinks } from '../sinks/index.ts';
import { type Delivery, deliver } from './deliver.ts';

/** The way of a vantage's samples to an endpoint of the list, with the queue that its settings ask for. */
export const push = ({ name, settings }: Endpoint, vantage: string, kit: Kit): Delivery => {
  const { capacity, max_samples_per_send, batch_send_deadline, min_backoff, max_backoff } = settings.queue_config;
  return deliver(sinks.remote_write(settings, kit), {
    group: `${name}/${vantage}`,
    capacity,
    maxSamplesPerSend: max_samples_per_send,
    batchDeadlineMs: parseDuration(batch_send_deadline) ?? 0,
    minMs: parseDuration(min_backoff) ?? 0,
    maxMs: parseDuration(max_backoff) ?? 0,
  });
};
