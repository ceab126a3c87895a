import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatagramSocket } from '../../../src/net/icmp/datagram-socket.ts';
import type { OpenProblem } from '../../../src/net/icmp/open-problem.ts';
import { isDue, newTrack, noteOutcome, renewalRules } from '../../../src/net/icmp/renewal.ts';
import { type Seat, socketTable } from '../../../src/net/icmp/socket-table.ts';

const minute = 60_000;

test('renewal: losses in a row move a target to another socket, after a few seconds, and then after longer', () => {
  const track = newTrack(undefined);
  const times: number[] = [];
  for (let now = 0; now < 3 * minute; now += 1_000) {
    noteOutcome(track, 'timeout', now, now + 900);
    if (!track.wantsOther) continue;
    times.push(now / 1_000);
    track.wantsOther = false;
  }
  assert.ok((times[0] ?? 99) <= 4, String(times));
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok(
    waits.every((wait, index) => wait >= (waits[index - 1] ?? 0)),
    String(waits),
  );
  assert.ok(Math.max(...waits) <= renewalRules.patienceMs.most / 1_000 + 2, String(waits));
});

test('renewal: an answer of the target ends the losses, and that of a router on the way does not', () => {
  const track = newTrack(undefined);
  const lose = (at: number) => noteOutcome(track, 'timeout', at, at + 900);
  lose(0);
  lose(2_000);
  noteOutcome(track, 'hop', 2_500, 2_600);
  lose(4_000);
  assert.equal(track.wantsOther, true);
  noteOutcome(track, 'reply', 5_000, 5_100);
  assert.deepEqual([track.wantsOther, track.losses], [false, 0]);
});

test('renewal: silent routers before a target that answers are no losses', () => {
  const track = newTrack(undefined);
  for (let round = 0; round < 20; round += 1) {
    const at = round * 1_000;
    noteOutcome(track, 'reply', at + 900, at + 950);
    // Their time is up later, though they were sent before.
    for (let hop = 0; hop < 5; hop += 1) noteOutcome(track, 'timeout', at + hop * 100, at + hop * 100 + 1_000);
  }
  assert.equal(track.wantsOther, false);
});

test('renewal: a socket is left after a few minutes, in a pause of the target or in any case', () => {
  const { age } = renewalRules;
  const track = { ...newTrack(undefined), usedAt: age.moved };
  assert.equal(isDue({ ...track, usedAt: minute - 30_000 }, 0, minute), false);
  assert.equal(isDue(track, 0, age.moved + age.pauseMs / 2), false);
  assert.equal(isDue(track, 0, age.moved + age.pauseMs + 1), true);
  assert.equal(isDue({ ...track, usedAt: age.most }, 0, age.most + 1), true);
});

/** Sockets that send nothing, and a way to refuse them. */
const sockets = () => {
  const state = { opened: 0, closed: 0, errno: 0 };
  const open = (): DatagramSocket | OpenProblem => {
    if (state.errno !== 0) return { call: 'socket', errno: state.errno, use: 'icmp4' };
    state.opened += 1;
    return {
      fd: state.opened,
      kind: 'ping',
      hasSendStamps: true,
      send: () => undefined,
      drain: () => {},
      inFlight: () => 0,
      giveUp: () => {},
      close: () => {
        state.closed += 1;
      },
    };
  };
  return { state, open };
};
const fdOf = (track: { readonly home: Seat } | OpenProblem) => ('errno' in track ? undefined : track.home.socket.fd);

test('socket table: only the target that has losses moves, and sockets stay few however many targets are dead', () => {
  const { state, open } = sockets();
  const table = socketTable(() => undefined);
  const line = table.line(open);
  const live = line.trackOf('live', 0);
  for (let now = 0; now < 2 * minute; now += 1_000) {
    for (let target = 0; target < 100; target += 1) {
      const track = line.trackOf(`dead ${target}`, now);
      if (!('errno' in track)) noteOutcome(track, 'timeout', now, now + 900);
    }
    assert.equal(fdOf(line.trackOf('live', now)), fdOf(live));
  }
  assert.ok(state.opened >= 2 && state.opened <= renewalRules.most, String(state.opened));
  table.close();
  assert.equal(state.closed, state.opened);
});

test('socket table: a refusal is no verdict for ever: it is tried again, more and more seldom', () => {
  const { state, open } = sockets();
  let tries = 0;
  const table = socketTable(() => undefined);
  const line = table.line((isFirst) => {
    tries += 1;
    assert.equal(isFirst, true);
    return open();
  });
  state.errno = 13;
  for (let now = 0; now < 10 * minute; now += 100) assert.equal(fdOf(line.trackOf('one', now)), undefined);
  assert.ok(tries >= 10 && tries <= 20, String(tries));
  state.errno = 0;
  assert.equal(fdOf(line.trackOf('one', 12 * minute)), 1);
  table.close();
});

test('socket table: a socket that cannot be watched is closed and tried again', () => {
  const { state, open } = sockets();
  const refusal = { call: 'epoll_ctl', errno: 28, use: 'icmp4' } as const;
  let refused: OpenProblem | undefined = refusal;
  const table = socketTable(() => refused);
  const line = table.line(open);
  assert.deepEqual(line.trackOf('one', 0), refusal);
  assert.deepEqual([state.opened, state.closed, table.byFd.size], [1, 1, 0]);
  refused = undefined;
  assert.equal(fdOf(line.trackOf('one', 2_000)), 2);
  table.close();
});

test('socket table: while no other socket can be opened a target goes on with its own', () => {
  const { state, open } = sockets();
  const table = socketTable(() => undefined);
  const line = table.line(open);
  line.trackOf('one', 0);
  state.errno = 24;
  assert.equal(fdOf(line.trackOf('one', 10 * minute)), 1);
  state.errno = 0;
  assert.equal(fdOf(line.trackOf('one', 11 * minute)), 2);
  table.close();
});
