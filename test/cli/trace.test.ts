import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paint } from '../../src/cli/paint.ts';
import { traceBoard, traceTable } from '../../src/cli/trace-table.ts';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { capture, cli } from './console.ts';

const engine = await openEngine();
await engine[Symbol.asyncDispose]();
const skip = engine.capabilities.icmp4 === 'none' ? engine.capabilities.why : false;

const quick = ['--count', '2', '--interval', '100ms'];

test('trace: a report is a table with a verdict', { skip }, async () => {
  const { code, stdout, stderr } = await cli(['trace', '127.0.0.1', '--report', ...quick]);
  assert.equal(code, 0);
  const [title, heads, row, verdict] = stdout.split('\n');
  assert.equal(title, '127.0.0.1 (127.0.0.1) by icmp');
  assert.match(heads ?? '', /^hop +address +loss +sent +last +avg +best +worst +jitter$/);
  assert.match(row ?? '', /^ +1 +127\.0\.0\.1 +0% +2( +\d+\.\d\d){5}/);
  assert.match(verdict ?? '', /^The target answered\. \d+ packets$/);
  assert.equal(stderr, '');
});

test('trace: with --json it is one object, by UDP too', async () => {
  const { code, stdout } = await cli(['trace', '127.0.0.1', '--udp', '--json', ...quick]);
  const said = JSON.parse(stdout);
  assert.deepEqual([code, said.end, said.protocol, said.hops.length], [0, 'reached', 'udp', 1]);
  const [hop] = said.hops;
  assert.deepEqual([hop.ttl, hop.address, hop.sent, hop.received, hop.loss_ratio], [1, '127.0.0.1', 2, 2, 0]);
  assert.ok(hop.rtt_seconds.median > 0);
});

test('trace: on a terminal the table is live, and Ctrl-C ends it with the table and a good code', {
  skip,
}, async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 900);
  const words = ['trace', '127.0.0.1', '--interval', '100ms'];
  const { code, stdout } = await cli(words, { isTerminal: true, columns: 120, signal: stop.signal });
  assert.equal(code, 0);
  assert.match(stdout, /Ctrl-C ends/);
  assert.ok(stdout.includes('\u001b[3A\u001b[J'), 'nothing is drawn over');
  assert.match(stdout.slice(stdout.lastIndexOf('\u001b[J')), /The target answered/);
});

test('trace: a report that Ctrl-C cuts short says so by its code', { skip }, async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  const { code } = await cli(['trace', '127.0.0.1', '--report'], { signal: stop.signal });
  assert.equal(code, 130);
});

test('trace: what cannot be is said in one line', async () => {
  for (const [words, said] of [
    [['127.0.0.1', '--udp', '--tcp', '80'], /--udp and --tcp are two ways/],
    [['127.0.0.1', '--ip4', '--ip6'], /--ip4 and --ip6 are two families/],
    [['127.0.0.1', '--tcp', '0'], /--tcp: write a number from 1 to 65535/],
    [['127.0.0.1', '--interval', '10ms'], /--interval must be at least 100ms/],
    [['127.0.0.1', '--source', 'here'], /--source here is not an address/],
  ] as const) {
    const { code, stderr, stdout } = await cli(['trace', ...words]);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
    assert.match(stderr, said);
  }
  const { code, stderr } = await cli(['trace', '127.0.0.1', '--ip6']);
  assert.deepEqual([code, stderr], [1, 'bothways: 127.0.0.1 is an IPv4 address\n']);
});

test('trace: a metadata service is sent no packet, in whichever form it is written', async () => {
  for (const host of ['169.254.169.254', '64:ff9b::a9fe:a9fe', 'fd20:ce::254']) {
    const { code, stderr } = await cli(['trace', host, ...quick]);
    assert.equal(code, 1);
    assert.match(stderr, /leads to a metadata service; those are never probed/);
  }
});

test('trace: a hop that loses for good is red, one that only answers seldom is not', () => {
  const board = traceBoard();
  const answer = (from: string) => ({ kind: 'hop', from, rtt: 0.001, clock: 'kernel', hopLimit: 64 }) as const;
  const target = { kind: 'reply', from: '192.0.2.9', rtt: 0.002, clock: 'kernel', hopLimit: 60, via: 'echo' } as const;
  for (let round = 1; round <= 4; round += 1) {
    board.heard(1, round, round === 1 ? answer('192.0.2.1') : { kind: 'timeout' });
    board.heard(2, round, target);
  }
  const { io } = capture({ isTerminal: true });
  const [, seldom = '', last = ''] = traceTable(board.hops(), 80, paint(io.stdout, {}));
  assert.match(seldom, /75%/);
  assert.ok(!seldom.includes('\u001b[31m') && !last.includes('\u001b[31m'));
  board.heard(2, 5, { kind: 'timeout' });
  board.heard(1, 5, { kind: 'timeout' });
  assert.ok(
    traceTable(board.hops(), 80, paint(io.stdout, {}))
      .slice(1)
      .every((line) => line.includes('\u001b[31m')),
  );
});

test('trace: what a peer calls itself cannot move the cursor, and a narrow terminal gets narrow lines', () => {
  const board = traceBoard();
  board.heard(1, 1, { kind: 'hop', from: '\u001b[2J', rtt: 0.001, clock: 'kernel', hopLimit: 64 });
  const { io } = capture();
  const lines = traceTable(board.hops(), 40, paint(io.stdout, {}));
  assert.ok(lines.every((line) => line.length <= 40 && !line.includes('\u001b')));
});
