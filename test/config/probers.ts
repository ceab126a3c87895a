import * as z from 'zod';
import type { ProberTable } from '../../src/config/schema.ts';
import { gauge } from '../../src/kernel/metric.ts';
import { defineProber, type Place } from '../../src/net/prober.ts';
import {
  addressShape,
  durationText,
  mayBeSecretText,
  patternText,
  secretText,
  tlsSettings,
} from '../../src/net/settings.ts';

const nothing = { probe: async () => ({ facts: {}, failures: [] }), points: () => [] };

const hostPort = (scheme: string) => {
  const shape = new RegExp(`^(?:${scheme}://)?(\\[[^\\]]+\\]|[^:/\\s]+):(\\d+)$`);
  return (text: string): Place | undefined => {
    const [, host = '', port] = shape.exec(text) ?? [];
    if (host === '') return undefined;
    return { address: `${host}:${port}`, host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  };
};

const http = defineProber()({
  summary: 'Like the real one, as far as lists are concerned.',
  schemes: ['http', 'https'],
  needs: [],
  modules: { http_2xx: {}, http_post_2xx: { method: 'POST' } },
  settings: z.strictObject({
    ...addressShape,
    method: z.string().default('GET'),
    valid_status_codes: z.array(z.int()).default([]),
    headers: z.record(z.string(), mayBeSecretText).default({}),
    http_headers: z.record(z.string(), z.strictObject({ secrets: z.array(secretText).optional() })).default({}),
    body: z.string().optional(),
    body_file: z.string().optional(),
    fail_if_body_matches_regexp: z.array(patternText).default([]),
    fail_if_not_ssl: z.boolean().default(false),
    wait: durationText.optional(),
    basic_auth: z
      .strictObject({
        username: mayBeSecretText,
        password: secretText.optional(),
        password_file: z.string().optional(),
      })
      .optional(),
    bearer_token: secretText.optional(),
    tls_config: tlsSettings.prefault({}),
  }),
  metrics: { seconds: gauge('probe_http_example_seconds', 'Example.', { labels: { stage: 'One per stage.' } }) },
  locate: (text) => {
    const full = /^https?:\/\//i.test(text) ? text : `http://${text}`;
    if (!URL.canParse(full)) return undefined;
    const { hostname, port, protocol } = new URL(full);
    const host = hostname.replace(/^\[|\]$/g, '');
    return { address: full, host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
  },
  ...nothing,
});

const tcp = defineProber()({
  summary: 'Like the real one, as far as lists are concerned.',
  schemes: ['tcp', 'tls'],
  needs: [],
  modules: { tcp_connect: {} },
  settings: z.strictObject({
    ...addressShape,
    tls: z.boolean().default(false),
    query_response: z
      .array(z.strictObject({ send: z.string().optional(), expect: patternText.optional() }))
      .default([]),
  }),
  metrics: {},
  locate: (text) => {
    const secure = text.startsWith('tls://');
    const place = hostPort('(?:tcp|tls)')(text);
    return place && secure ? { ...place, settings: { tls: true } } : place;
  },
  ...nothing,
});

const icmp = defineProber()({
  summary: 'Needs what Lambda has not.',
  schemes: ['icmp'],
  needs: ['icmp'],
  modules: { icmp: {} },
  settings: z.strictObject({ ttl: z.int().min(0).max(255).default(64) }),
  metrics: {},
  locate: (text) => {
    const host = text.replace(/^icmp:\/\//, '');
    return /[/:]/.test(host) ? undefined : { address: host, host };
  },
  ...nothing,
});

const unix = defineProber()({
  summary: 'Needs files.',
  schemes: ['unix'],
  needs: ['files'],
  modules: { unix_connect: {} },
  settings: z.strictObject({}),
  metrics: {},
  locate: (text) => ({ address: text, host: 'localhost' }),
  ...nothing,
});

/** Probers for tests of lists: shaped like the real ones, and small. */
export const probers: ProberTable = { http, icmp, tcp, unix };
