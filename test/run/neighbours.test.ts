import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { http } from '../../src/probers/http/http.ts';
import { execute } from '../../src/run/execute.ts';
import { exampleCheck } from './example.ts';

// A check whose page and expression are made to take minutes, beside one that is probed again and again.

const script = fileURLToPath(new URL('../servers/pages.ts', import.meta.url));

/** The servers of all pages, in another process. */
const pagesServer = async () => {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  return {
    url: `http://127.0.0.1:${Number(port)}`,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
};

type Seen = { readonly runs: number; readonly p95: number; readonly doubt: number; readonly delayMs: number };

/** Tried so often: on a loaded machine something else may be what is late, but not each time. */
const mostAttempts = 6;

for (const [path, expression] of [
  ['/words', 'ok.{0,50}ready'],
  ['/bits', '1[01]{1000}2'],
] as const)
  test(`neighbours: they stay on time beside a page of 10 MB on which ${expression} takes its time`, async (t) => {
    await using server = await pagesServer();
    await using kit = makeKit();
    const clock = marks();
    const run = (target: string, expected: string, timeoutMs: number) => {
      const example = exampleCheck({ target: { address: `${server.url}${target}` }, timeoutMs });
      const settings = http.settings.parse({
        preferred_ip_protocol: 'ip4',
        fail_if_body_not_matches_regexp: [expected],
      });
      return execute({ ...example, module: { ...example.module, settings } }, http, kit, { clock });
    };
    /** What neighbours see until `over`: one probe after the other, a short while apart. */
    const neighbours = async (over: () => boolean): Promise<Seen> => {
      const delay = monitorEventLoopDelay({ resolution: 2 });
      delay.enable();
      const took: number[] = [];
      let doubt = 0;
      while (!over()) {
        const one = await run('/ok', 'ok', 5_000);
        assert.deepEqual(one.outcome.failures, []);
        took.push(one.took);
        doubt = Math.max(doubt, one.doubt);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      delay.disable();
      took.sort((a, b) => a - b);
      return { runs: took.length, p95: took[Math.floor(took.length * 0.95)] ?? 0, doubt, delayMs: delay.max / 1e6 };
    };
    const forMs = (ms: number) => {
      const end = performance.now() + ms;
      return () => performance.now() > end;
    };
    await neighbours(forMs(300));
    for (let attempt = 1; ; attempt += 1) {
      const alone = await neighbours(forMs(2_500));
      let isOver = false;
      const hostile = run(path, expression, 2_500).finally(() => {
        isOver = true;
      });
      const beside = await neighbours(() => isOver);
      const [failed] = (await hostile).outcome.failures;
      assert.equal(`${failed?.phase} ${failed?.reason}`, 'check timeout', failed?.detail);
      t.diagnostic(`alone ${JSON.stringify(alone)}, beside it ${JSON.stringify(beside)}`);
      const isOnTime =
        beside.delayMs < alone.delayMs + 50 && beside.p95 < 3 * alone.p95 + 0.02 && beside.doubt < alone.doubt + 0.05;
      if (isOnTime) break;
      assert.ok(attempt < mostAttempts, `alone ${JSON.stringify(alone)}, beside it ${JSON.stringify(beside)}`);
    }
  });
