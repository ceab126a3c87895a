import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { logTo } from '../../src/cli/agent.ts';
import { terminalOutput } from '../../src/cli/terminal-output.ts';
import { gauge } from '../../src/kernel/metric.ts';
import { exposition } from '../../src/protocol/exposition.ts';
import { jsonText } from '../../src/protocol/json-text.ts';
import { capture, cli } from './console.ts';
import { listFile, receiver } from './world.ts';

/** A window title, a bell, a cleared screen, a colour by C1, and characters that turn the direction of writing. */
const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u0090\u202egnp\u2066\u200f\u061c\u2028end';
const harmful = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
const isClean = (text: string, what: string) => {
  const place = text.search(harmful);
  assert.equal(place, -1, `${what}: ${JSON.stringify(text.slice(Math.max(0, place - 20), place + 20))}`);
};

/** A server that says one line in UTF-8 to whoever connects. */
const banner = async (line: string) => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${line}\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const listOf = (port: number, expect: string, more = '') => `
vantages: { here: { kind: agent } }
modules:
  greeting: { prober: tcp, tcp: { query_response: [{ expect: "${expect}", labels: [{ name: said, value: "$1" }] }] } }
targets: [{ name: shop, target: "tcp://127.0.0.1:${port}", module: greeting, timeout: 5s }]
${more}`;

test('hostile text: what a peer says reaches no output of `probe` with a control character', async () => {
  await using server = await banner(`220 ${hostile}`);
  for (const [expect, code] of [
    ['^220 (.*)$', 0],
    ['^250 (.*)$', 1],
  ] as const) {
    await using list = await listFile(listOf(server.port, expect));
    for (const form of [[], ['--debug'], ['--metrics'], ['--metrics', '--debug'], ['--json'], ['--json', '--debug']]) {
      const said = await cli(['probe', 'shop', '--config', list.path, ...form]);
      assert.equal(said.code, code, said.stdout + said.stderr);
      isClean(said.stdout + said.stderr, `${expect} ${form.join(' ')}`);
      if (code === 0 && form.includes('--metrics')) assert.match(said.stdout, /said="\\\\x1b\]0;owned\\\\x07/);
      if (code === 0 && form.includes('--json'))
        assert.ok(
          JSON.parse(said.stdout).metrics.some(
            ({ labels }: { labels: Record<string, string> }) => labels.said !== undefined,
          ),
        );
    }
  }
});

test('hostile text: nor any output of `run --once`, and what is pushed is visible text', async () => {
  await using server = await banner(`220 ${hostile}`);
  await using there = await receiver();
  await using list = await listFile(listOf(server.port, '^220 (.*)$', `remote_write: [{ url: "${there.url}" }]`));
  for (const form of [[], ['--json']]) {
    const said = await cli(['run', '--once', '--config', list.path, ...form]);
    assert.equal(said.code, 0, said.stderr);
    isClean(said.stdout + said.stderr, form.join(' '));
  }
  const values = there.series.map(({ said }) => said).filter((value) => value !== undefined);
  assert.ok(
    values.length > 0 && values.every((value) => !harmful.test(value) && value.startsWith('\\x1b]0;owned\\x07')),
  );
});

test('hostile text: what a list says is visible in messages, plans and summaries', async () => {
  const escaped = JSON.stringify(hostile.replaceAll(/\p{Cc}/gu, ''));
  const listText = (more: string) => `
vantages: { here: { kind: agent } }
targets:
  - { name: ${escaped}, target: "http://x.svc", ${more} }
`;
  for (const more of ['interval: 30s', `nterval: ${escaped}`, `module: ${escaped}`, `from: [${escaped}]`]) {
    await using list = await listFile(listText(more));
    for (const words of [
      ['check'],
      ['check', '--json'],
      ['plan'],
      ['plan', '--markdown'],
      ['plan', '--json'],
      ['run', '--dry-run'],
      ['run', '--dry-run', '--json'],
    ]) {
      const said = await cli([...words, '--config', list.path]);
      assert.notEqual(said.stdout + said.stderr, '');
      isClean(said.stdout + said.stderr, `${words.join(' ')}, ${more}`);
    }
  }
  for (const words of [
    ['explain', hostile],
    ['probe', hostile],
    ['trace', hostile],
    [hostile],
    ['probe', '--module', hostile, 'http://x'],
    ['check', '--config', hostile],
  ]) {
    const said = await cli(words);
    assert.notEqual(said.code, 0);
    isClean(said.stdout + said.stderr, words.join(' '));
  }
});

test("hostile text: the agent's log is visible text on a terminal and JSON elsewhere, which means the same", () => {
  for (const isTerminal of [true, false]) {
    const { io, written } = capture({ isTerminal });
    logTo(io)('warn', hostile);
    isClean(written.stderr, String(isTerminal));
    if (!isTerminal) assert.equal(JSON.parse(written.stderr).msg, hostile);
  }
});

test('hostile text: the exposition format shows what it cannot escape, and stays readable', () => {
  const metric = gauge('test_info', 'A test.');
  const text = exposition([{ series: { metric, labels: [['a', `x\n"\\${hostile}`]] }, at: 0, value: 1 }]);
  isClean(text, 'exposition');
  assert.match(text, /^test_info\{a="x\\n\\"\\\\\\\\x1b\]0;/m);
});

test('hostile text: JSON has escapes for all of it, and the value is the same', () => {
  const value = { [hostile]: [hostile, 1, null] };
  isClean(jsonText(value), 'jsonText');
  assert.deepEqual(JSON.parse(jsonText(value, 2)), value);
});

test('hostile text: a terminal gets the sequences that commands write and no other; a pipe gets the text as it is', () => {
  const through = (isTTY: boolean, text: string) => {
    const stream = new PassThrough();
    // safe: of a terminal's stream only these parts are used
    terminalOutput(Object.assign(stream, { isTTY, columns: 80 }) as unknown as NodeJS.WriteStream).write(text);
    return String(stream.read());
  };
  const own = '\u001b[32mok\u001b[39m\tx\n\r\u001b[2Kprobing\u001b[3A\u001b[J\u001b[1;31mx\u001b[0m';
  assert.equal(through(true, own), own);
  assert.equal(
    through(true, 'a\u001b]0;x\u0007\u001b[2Jb\rc\u009b31m\u202e'),
    'a\\x1b]0;x\\x07\\x1b[2Jb\\x0dc\\x9b31m\\u202e',
  );
  assert.equal(through(false, hostile), hostile);
});
