import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from '../../../src/config/load.ts';
import { kit as makeKit } from '../../../src/net/kit.ts';
import { marks } from '../../../src/net/marks.ts';
import type { Prober } from '../../../src/net/prober.ts';
import { probers } from '../../../src/probers/index.ts';
import { execute } from '../../../src/run/execute.ts';
import { samplesOf, seriesTable } from '../../../src/run/samples.ts';
import { a, encodeReply } from '../../servers/dns.ts';
import { dnsCase, httpCase, type Kind, tlsCase } from './cases.ts';
import { whyNoDnsSuccess, whyNoSuccess } from './oracle.ts';

/** What the probing process is asked: cases `from` to `to` (not included) of a seed, a slot for each port. */
export type ProbeOrder = {
  readonly kind: Kind;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly ports: readonly number[];
  readonly root: string;
  /** For its files; the process that gives the order removes it. */
  readonly folder: string;
};

/** What it has found so far. `intact` are cases that were left as they are, `intactGood` those of them that succeeded. */
export type Tally = {
  runs: number;
  good: number;
  intact: number;
  intactGood: number;
  unexpected: { id: number; why: string }[];
  wrong: { id: number; why: string }[];
  reasons: Record<string, number>;
  done: boolean;
  residentMegabytes: number;
};

const modules = {
  tls: { prober: 'tcp', tcp: { tls: true } },
  'http/1.1': { prober: 'http', http: {} },
  'http/2': { prober: 'http', http: { valid_http_versions: ['HTTP/2.0'] } },
  dns: {
    prober: 'dns',
    dns: {
      query_name: 'www.example.com',
      query_type: 'A',
      validate_answer_rrs: { fail_if_none_matches_regexp: ['192\\.0\\.2\\.1$'] },
    },
  },
} as const;

const targets = {
  tls: (port: number) => `tls://localhost:${port}`,
  'http/1.1': (port: number) => `http://127.0.0.1:${port}/`,
  'http/2': (port: number) => `https://localhost:${port}/`,
  dns: (port: number) => `127.0.0.1:${port}`,
} as const;

const listOf = ({ kind, ports }: ProbeOrder, ca: string) => {
  const { prober, ...blocks } = modules[kind];
  // safe: the block has the name of its prober
  const block = (blocks as Readonly<Record<string, object>>)[prober];
  const settings = { preferred_ip_protocol: 'ip4', tls_config: { ca_file: ca }, ...block };
  return JSON.stringify({
    version: 1,
    vantages: { here: { kind: 'agent' } },
    remote_write: [{ url: 'http://127.0.0.1:1/' }],
    modules: { mutated: { prober, timeout: '500ms', [prober]: settings } },
    targets: ports.map((port, slot) => ({
      name: `slot-${slot}`,
      instance: `slot-${slot}`,
      target: targets[kind](port),
      module: 'mutated',
      side: 'inside',
    })),
  });
};

/** A sentence when a success is impossible. */
const whyWrong = ({ kind, seed }: ProbeOrder, id: number): string | undefined => {
  switch (kind) {
    case 'tls':
      return tlsCase([Buffer.alloc(64), Buffer.alloc(64)], seed, id).changed ? 'a certificate was changed' : undefined;
    case 'dns': {
      // The query's id is not at hand: what fails for one id and not for another was only bad luck.
      const reasons = [0x1234, 0xedcb].map((query) => {
        const question = Buffer.concat([
          Buffer.from('\x03www\x07example\x03com\0', 'latin1'),
          Buffer.from([0, 1, 0, 1]),
        ]);
        const right = encodeReply(
          { id: query, name: 'www.example.com', type: 1, question },
          { answers: [a('192.0.2.1')] },
        );
        return whyNoDnsSuccess(dnsCase(right, seed, id).bytes, right);
      });
      return reasons.includes(undefined) ? undefined : reasons[0];
    }
    default:
      return whyNoSuccess(kind, httpCase(kind, seed, id));
  }
};

const isIntact = ({ kind, seed }: ProbeOrder, id: number): boolean => {
  if (kind === 'tls') return !tlsCase([Buffer.alloc(64), Buffer.alloc(64)], seed, id).changed;
  if (kind === 'dns') return dnsCase(Buffer.alloc(64), seed, id).change === 'none';
  return httpCase(kind, seed, id).change === 'none';
};

const probeAll = async (order: ProbeOrder): Promise<void> => {
  await using stack = new AsyncDisposableStack();
  const { folder } = order;
  await writeFile(join(folder, 'root.pem'), order.root);
  await writeFile(join(folder, 'list.yml'), listOf(order, join(folder, 'root.pem')));
  const table: Readonly<Record<string, Prober>> = probers;
  const loaded = await load([join(folder, 'list.yml')], { probers: table });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const kit = stack.use(makeKit());
  const clock = marks();
  const tally: Tally = {
    runs: 0,
    good: 0,
    intact: 0,
    intactGood: 0,
    unexpected: [],
    wrong: [],
    reasons: {},
    done: false,
    residentMegabytes: 0,
  };
  const slots = order.ports.length;
  const report = () => {
    tally.residentMegabytes = process.memoryUsage.rss() / 1e6;
    process.send?.(tally);
  };
  const timer = setInterval(report, 500);
  const one = async (slot: number) => {
    const check = loaded.compiled.checks.find(({ target }) => target.name === `slot-${slot}`);
    const prober = table[check?.module.prober ?? ''];
    if (check === undefined || prober === undefined) throw new Error('the list lacks a slot');
    const series = seriesTable(check);
    for (let id = order.from + slot; id < order.to; id += slots) {
      const run = await execute(check, prober, kit, { clock });
      // Labels and points are made of what the peer sent as well.
      samplesOf(run, prober, series);
      const isGood = run.outcome.void === undefined && run.outcome.failures.length === 0;
      tally.runs += 1;
      for (const { reason, detail } of run.outcome.failures) {
        tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1;
        if (reason === 'unexpected') tally.unexpected.push({ id, why: detail });
      }
      const intact = isIntact(order, id);
      if (intact) tally.intact += 1;
      if (!isGood) continue;
      tally.good += 1;
      if (intact) tally.intactGood += 1;
      const why = whyWrong(order, id);
      if (why !== undefined) tally.wrong.push({ id, why });
    }
  };
  await Promise.all(Array.from({ length: slots }, (_, slot) => one(slot)));
  clearInterval(timer);
  tally.done = true;
  report();
};

process.once('message', async (order: ProbeOrder) => {
  await probeAll(order);
  process.disconnect();
});
