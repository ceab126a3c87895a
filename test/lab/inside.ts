import { text } from 'node:stream/consumers';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { tracePath } from '../../src/net/icmp/trace-path.ts';
import type { Errand, Report } from './lab.ts';

/** What runs in a place of the lab: opens the engine, does an errand, and prints the report. See `inside` in lab.ts. */
// safe: written by lab.ts
const {
  probes = [],
  traces = [],
  lingerMs = 0,
  spreadMs = 0,
  blockMs = 0,
  receiveBufferBytes,
} = JSON.parse(await text(process.stdin)) as Errand;
await using engine = await openEngine(receiveBufferBytes === undefined ? {} : { receiveBufferBytes });
const later = { late: 0, duplicate: 0 };
const onLater = (what: 'late' | 'duplicate') => {
  later[what] += 1;
};
const blocker = setInterval(() => {
  const end = performance.now() + blockMs;
  while (performance.now() < end);
}, 250);
if (blockMs === 0) clearInterval(blocker);
const sleep = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1_000));
const context = { signal: new AbortController().signal, sleep };
const [outcomes, paths] = await Promise.all([
  Promise.all(
    probes.map(async (request, index) => {
      if (spreadMs > 0) await sleep((index * spreadMs) / probes.length / 1_000);
      return engine.probe({ ...request, onLater });
    }),
  ),
  Promise.all(traces.map((options) => tracePath(engine, options, context))),
]);
clearInterval(blocker);
await sleep(lingerMs / 1_000);
const report: Report = { capabilities: engine.capabilities, outcomes, paths, later, stats: engine.stats() };
console.log(JSON.stringify(report));
