import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { hostProblem } from '../../../src/net/icmp/open-engine.ts';
import { isPassing, openProblemText } from '../../../src/net/icmp/open-problem.ts';

const { EACCES, EPERM, EMFILE, ENFILE, ENOBUFS, ENOMEM, EAFNOSUPPORT, EPROTONOSUPPORT, ENOPROTOOPT } = constants.errno;
const closed = { pingGroupRange: '1\t0\n', groups: [65_534] };
const open = { pingGroupRange: '0\t65535\n', groups: [65_534] };

test('open problem: the text names the cause that it is, and the range only where that is the cause', () => {
  const icmp = (errno: number, facts = open) => openProblemText({ call: 'socket', errno, use: 'icmp4' }, facts);
  assert.match(
    icmp(EACCES, closed),
    /^ICMP \(EACCES\): the sysctl net\.ipv4\.ping_group_range does not have .*\(65534\); set it/,
  );
  assert.match(icmp(EACCES, { ...closed, groups: [5, 6] }), /ping_group_range/);
  for (const [said, pattern] of [
    [icmp(EACCES), /security policy/],
    [icmp(EACCES, { pingGroupRange: '6 6', groups: [5, 6] }), /security policy/],
    [icmp(EPERM, closed), /security policy/],
    [icmp(EMFILE, closed), /^open files: the process .*EMFILE.*; raise/],
    [icmp(ENFILE, closed), /^open files: this host .*ENFILE.*; raise/],
    [icmp(ENOBUFS, closed), /memory/],
    [icmp(ENOMEM, closed), /memory/],
    [icmp(EPROTONOSUPPORT, closed), /no ping sockets/],
    [
      openProblemText({ call: 'socket', errno: EAFNOSUPPORT, use: 'icmp6' }, closed),
      /^IPv6: this host does not have it/,
    ],
    [
      openProblemText({ call: 'setsockopt IP_RECVERR', errno: ENOPROTOOPT, use: 'icmp4' }, closed),
      /^setsockopt IP_RECVERR: this kernel refuses the option \(ENOPROTOOPT\)/,
    ],
    [openProblemText({ call: 'socket', errno: EACCES, use: 'udp4' }, closed), /^socket: the system refuses .* udp4/],
  ] as const) {
    assert.match(said, pattern);
    assert.doesNotMatch(said, /ping_group_range/);
  }
});

test('open problem: what is used up for the moment passes, and what is forbidden does not', () => {
  assert.deepEqual([EMFILE, ENFILE, ENOBUFS, ENOMEM].map(isPassing), [true, true, true, true]);
  assert.deepEqual([EACCES, EPERM, EAFNOSUPPORT, EPROTONOSUPPORT].map(isPassing), [false, false, false, false]);
});

test('open engine: processors whose structures are not known are refused by name', () => {
  assert.equal(hostProblem('linux', 'x64'), undefined);
  assert.equal(hostProblem('linux', 'arm64'), undefined);
  assert.match(hostProblem('linux', 's390x') ?? '', /^processor s390x: .*x64 or arm64/);
  assert.match(hostProblem('darwin', 'arm64') ?? '', /Linux/);
});
