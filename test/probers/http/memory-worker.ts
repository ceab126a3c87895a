import { monitorEventLoopDelay } from 'node:perf_hooks';
import { kit as makeKit } from '../../../src/net/kit.ts';
import { marks } from '../../../src/net/marks.ts';
import { http } from '../../../src/probers/http/http.ts';
import { execute } from '../../../src/run/execute.ts';
import { exampleCheck } from '../../run/example.ts';

// A process of its own, whose memory nothing else fills: it warms up, then probes a URL so many times at once with the settings given, and
// prints what that took as JSON.

const [url = '', calm = '', given = '{}', times = '1', timeoutMs = '5000'] = process.argv.slice(2);

await using kit = makeKit();
const clock = marks();
const run = (address: string, isCalm = false) => {
  const example = exampleCheck({ target: { address }, timeoutMs: Number(timeoutMs) });
  const settings = http.settings.parse({
    preferred_ip_protocol: 'ip4',
    ...JSON.parse(given),
    ...(isCalm ? { compression: '', fail_if_body_not_matches_regexp: ['ok'] } : {}),
    tls_config: { insecure_skip_verify: true },
  });
  return execute({ ...example, module: { ...example.module, settings } }, http, kit, { clock });
};

for (let i = 0; i < 20; i += 1) await run(calm, true);
const before = process.memoryUsage.rss();
let peak = before;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const runs = await Promise.all(Array.from({ length: Number(times) }, () => run(url)));
delay.disable();
clearInterval(watch);
const failures = runs.map(({ outcome }) =>
  outcome.failures.map(({ phase, reason }) => `${phase} ${reason}`).join(', '),
);
const after = await run(calm, true);
console.log(
  JSON.stringify({
    grownMB: (peak - before) / 1e6,
    failures: [...new Set(failures)].sort(),
    took: Math.max(...runs.map(({ took }) => took)),
    delayMs: delay.max / 1e6,
    after: after.outcome.failures.map(({ reason }) => reason),
  }),
);
