import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import type { Prober } from '../../src/net/prober.ts';
import { dns } from '../../src/probers/dns/dns.ts';
import { http } from '../../src/probers/http/http.ts';
import { tcp } from '../../src/probers/tcp/tcp.ts';
import { checker } from '../../src/run/checker.ts';
import { exampleCheck } from './example.ts';

const script = fileURLToPath(new URL('../servers/flooding.ts', import.meta.url));

const floodingServer = async (kind: string) => {
  const child = spawn(process.execPath, [script, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  return {
    port: Number(String(said)),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
};

type Flood = { readonly prober: Prober; readonly target: (port: number) => string; readonly given: object };

const web = (given: object = {}): Flood => ({
  prober: http,
  target: (port) => `http://127.0.0.1:${port}`,
  given,
});
const name = 'example.org';
const table: Record<string, Flood & { readonly reason: RegExp; readonly isShown?: true }> = {
  'status 500': { ...web(), reason: /^http_status$/, isShown: true },
  'http/2': {
    prober: http,
    target: (port) => `https://127.0.0.1:${port}`,
    given: { enable_http2: true, tls_config: { insecure_skip_verify: true } },
    reason: /^http_status$/,
    isShown: true,
  },
  'status 200': { ...web(), reason: /^timeout$/ },
  'status line': { ...web(), reason: /^(?:headers_too_large|timeout|protocol_error)$/ },
  informational: { ...web(), reason: /^(?:timeout|protocol_error|headers_too_large)$/ },
  dns: {
    prober: dns,
    target: (port) => `127.0.0.1:${port}`,
    given: { query_name: name },
    reason: /^(?:dns_)?timeout$/,
  },
  lines: {
    prober: tcp,
    target: (port) => `127.0.0.1:${port}`,
    given: { query_response: [{ expect: '^ready' }] },
    reason: /^(?:timeout|expect_mismatch)$/,
  },
};

const checkOf = (label: string, { prober, target, given }: Flood, port: number) => {
  const check = exampleCheck({ name: label, timeoutMs: 600, target: { address: target(port) } });
  // safe: the settings are parsed by the schema of the same prober
  const settings = prober.settings.parse({ preferred_ip_protocol: 'ip4', ...given }) as object;
  return { ...check, module: { ...check.module, prober: label, settings } };
};

for (const [kind, flood] of Object.entries(table)) {
  test(`floods: a target that floods (${kind}) is judged by what it has shown, and is not void for ever`, async (t) => {
    await using server = await floodingServer(kind);
    await using good = await floodingServer('none');
    await using kit = makeKit();
    const canary = web();
    const { run } = checker({ probers: { [kind]: flood.prober, canary: http }, kit, clock: marks() });
    const check = checkOf(kind, flood, server.port);
    const neighbour = checkOf('canary', canary, good.port);
    // What the first probe loads is not to count.
    for (const each of [check, neighbour])
      await (each === check ? flood.prober : http).warmUp?.(each.module.settings, kit);
    const never = new AbortController().signal;
    const ends: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const [{ run: done, samples }, { run: beside }] = await Promise.all([run(check, never), run(neighbour, never)]);
      ends.push(done.outcome.void ?? done.outcome.failures.map(({ reason }) => reason).join(' '));
      const success = samples.find(({ series }) => series.metric.name === 'probe_success');
      assert.equal(success?.value, done.outcome.void === undefined ? 0 : undefined);
      assert.deepEqual(beside.outcome.failures, [], 'a good neighbour is blamed');
    }
    t.diagnostic(ends.join(', '));
    // A machine that is busy with other things may keep the process from running in one run or another.
    const judged = ends.filter((end) => end !== 'starved' && end !== 'flooded');
    assert.ok(judged.length >= 3, ends.join(', '));
    for (const end of judged) assert.match(end.split(' ').find((one) => flood.reason.test(one)) ?? end, flood.reason);
  });
}
