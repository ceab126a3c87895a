import { readFile } from 'node:fs/promises';
import { discoverSettings } from '../src/config/discover.ts';
import { loadValue } from '../src/config/load.ts';
import { openDiscovery } from '../src/discover/discovery.ts';
import { probers } from '../src/probers/index.ts';

// A process that discovers what an API server (its argument) has, and prints how long that took and how much memory it holds more.

const loaded = loadValue({ vantages: { here: { kind: 'agent' } }, discover: {} }, { probers });
if (!loaded.ok) throw new Error('the list is not sound');
globalThis.gc?.();
const before = process.memoryUsage.rss();
const began = performance.now();
await using discovery = openDiscovery({
  settings: discoverSettings.parse({
    kubernetes: [{ kinds: ['ingress'], server: process.argv[2], max_targets: 100_000 }],
  }),
  probers,
  environment: {},
  file: (path) => readFile(path),
  changed: () => {},
});
await discovery.first;
const { checks } = discovery.compile(loaded.list);
const seconds = (performance.now() - began) / 1_000;
globalThis.gc?.();
const megabytes = (process.memoryUsage.rss() - before) / 1e6;
console.log(JSON.stringify({ checks: checks.length, seconds, megabytes }));
