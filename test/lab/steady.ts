import { closeSync, openSync } from 'node:fs';
import type { ProbeRequest } from '../../src/net/icmp/engine.ts';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { answering } from './worker.ts';

/** What an engine that lives on in a place of the lab is asked: a probe, and whether the process has descriptors left. */
export type SteadyQuestion =
  | { readonly probe: ProbeRequest }
  | { readonly descriptors: 'use up' | 'give back' }
  | { readonly capabilities: true };

await using engine = await openEngine();
const held: number[] = [];

const useUp = () => {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    // There are none left.
  }
};

await answering(async (question) => {
  // safe: written by the tests
  const asked = question as SteadyQuestion;
  if ('probe' in asked) return engine.probe(asked.probe);
  if ('descriptors' in asked) {
    if (asked.descriptors === 'use up') useUp();
    else for (const fd of held.splice(0)) closeSync(fd);
  }
  return engine.capabilities;
});
