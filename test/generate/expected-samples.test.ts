import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { kindOfCheck, samplesPerRun } from '../../src/generate/expected-samples.ts';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { checker } from '../../src/run/checker.ts';
import { chain } from '../servers/certificates.ts';
import { dnsServer } from '../servers/dns.ts';
import { httpServer, httpsServer } from '../servers/http.ts';
import { tcpServer } from '../servers/tcp.ts';
import { tlsServer } from '../servers/tls.ts';

const { root } = await chain();
const clock = marks();
const never = new AbortController().signal;

for (const profile of ['lean', 'standard', 'full'])
  for (const names of [[], ['network_exporter']])
    test(`expected samples: real runs make as many, profile ${profile}, names ${names.join() || 'as usual'}`, async (t) => {
      await using stack = new AsyncDisposableStack();
      const [web, secure, tcp, tls, dns] = [
        stack.use(await httpServer()),
        stack.use(await httpsServer()),
        stack.use(await tcpServer()),
        stack.use(await tlsServer()),
        stack.use(await dnsServer({})),
      ];
      const tls_config = { ca: root.cert, server_name: 'localhost' };
      const loaded = loadValue(
        {
          vantages: { a: { kind: 'agent' } },
          defaults: { inside: { profile, names } },
          targets: [
            { target: web.url },
            { target: secure.url, http: { tls_config } },
            { target: `tcp://127.0.0.1:${tcp.port}`, slo: { objective: 99.9 } },
            { target: `tls://127.0.0.1:${tls.port}`, tcp: { tls_config } },
            { target: `dns://127.0.0.1:${dns.port}/example.com` },
            { name: 'ping', target: 'icmp://127.0.0.1' },
            { name: 'path', target: 'mtr://127.0.0.1', interval: '1m', mtr: { count: 1 } },
          ],
        },
        { probers },
      );
      if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
      const kit = stack.use(makeKit({ engine: openEngine }));
      const { run } = checker({ probers, kit, clock });
      const missing = (await kit.engine()).capabilities.why;
      for (const check of loaded.compiled.checks) {
        if (missing !== undefined && missing !== '' && ['icmp', 'mtr'].includes(check.module.prober)) {
          t.diagnostic(`${check.module.prober} left out: ${missing}`);
          continue;
        }
        const { run: done, samples } = await run(check, never);
        assert.deepEqual(done.outcome.failures, []);
        const expected = samplesPerRun(check, 1);
        const off = Math.abs(samples.length - expected) / samples.length;
        assert.ok(off <= 0.15, `${kindOfCheck(check)}: ${samples.length} samples, ${expected} expected`);
      }
    });
