import { readFile } from 'node:fs/promises';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { newestLists, s3ObjectsOf } from '../../src/lambda/newest-lists.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { probers } from '../../src/probers/index.ts';

// A function of 256 MB that reads its lists twice, in a process of its own: prints how many checks it then has, and the most memory it had.

const loaded = loadValue(
  { vantages: { 'eu-west-1': { kind: 'lambda' } }, targets: ['https://own.example.com'] },
  { probers },
);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const deployed = readPacked(packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} }));
if (!deployed.ok) throw new Error(deployed.why);
await using kit = makeKit({ environment: process.env });
const lists = newestLists({
  deployed: deployed.packed,
  vantage: 'eu-west-1',
  objects: s3ObjectsOf('s3://lists/own.json s3://lists/b/clusters/prod-a/x.json', 'eu-west-1'),
  mostTargets: new Map(),
  probers,
  aws: kit.aws,
  now: Date.now,
  megabytes: 256,
});
await lists();
const { packed } = await lists();
// The kernel's own mark begins with this program; that of resourceUsage has what the process was before.
const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
console.log(JSON.stringify({ checks: packed.checks.length, peakBytes: Number(kilobytes) * 1_024 }));
