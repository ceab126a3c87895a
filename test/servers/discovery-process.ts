import { readFile } from 'node:fs/promises';
import { loadValue } from '../../src/config/load.ts';
import { openDiscovery } from '../../src/discover/discovery.ts';
import { probers } from '../../src/probers/index.ts';

// Finds once what the API server at the URL of the first argument has, and prints how much that is. A process of its own, since it is
// about memory.

const loaded = loadValue(
  {
    vantages: { prod: { kind: 'agent' } },
    discover: { kubernetes: [{ kinds: ['ingress', 'probe'], server: process.argv[2], defaults: { from: ['prod'] } }] },
  },
  { probers },
);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const { list } = loaded;
if (list.discover === undefined) throw new Error('the list has no `discover`');
await using discovery = openDiscovery({
  settings: list.discover,
  probers,
  environment: {},
  file: (path) => readFile(path),
  changed: () => {},
});
await discovery.first;
let [began, slowestMs] = [performance.now(), 0];
let compiled = discovery.compile(list);
for (let round = 0; round < 3; round += 1) {
  slowestMs = Math.max(slowestMs, performance.now() - began);
  began = performance.now();
  compiled = discovery.compile(list);
}
const counts: Record<string, number> = {};
for (const { target } of compiled.checks) {
  const namespace = target.labels.namespace ?? '';
  counts[namespace] = (counts[namespace] ?? 0) + 1;
}
const { problem } = discovery.state()[0] ?? {};
const remarks = compiled.remarks.length;
const above = compiled.above.get('kubernetes[0]');
const mebibytes = Math.round(process.resourceUsage().maxRSS / 1_024);
console.log(JSON.stringify({ counts, remarks, above, problem, mebibytes, slowestMs }));
