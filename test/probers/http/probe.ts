import type { z } from 'zod';
import type { KitOptions } from '../../../src/net/kit.ts';
import type { Kit } from '../../../src/net/prober.ts';
import { http } from '../../../src/probers/http/http.ts';
import { chain } from '../../servers/certificates.ts';
import { testContext } from '../../servers/context.ts';
import { pointsOf } from '../../servers/points.ts';

/** Settings of a module as they stand in a list. */
export type Given = z.input<typeof http.settings>;

/** Probes a URL once and gives what a test looks at: `failures` as `phase reason`. */
export const probeHttp = async (
  url: string,
  given: Given = {},
  options: { timeoutMs?: number; kit?: Kit } & KitOptions = {},
) => {
  const { root } = await chain();
  await using context = testContext(options);
  const settings = http.settings.parse({
    preferred_ip_protocol: 'ip4',
    ...given,
    tls_config: { ca: root.cert, ...given.tls_config },
  });
  const startedAt = performance.now();
  const outcome = await http.probe(url, settings, context);
  return {
    failures: outcome.failures.map(({ phase, reason }) => `${phase} ${reason}`),
    detail: outcome.failures[0]?.detail ?? '',
    points: pointsOf(http, outcome, url),
    seconds: (performance.now() - startedAt) / 1_000,
  };
};
