import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuShare } from '../../src/run/cpu-share.ts';

const files = (content: Record<string, string>) => (path: string) => content[path];

test('cpu share: without control groups or quotas a whole core is there', () => {
  assert.equal(cpuShare(files({})), 1);
  assert.equal(cpuShare(files({ '/sys/fs/cgroup/cpu.max': 'max 100000\n' })), 1);
  assert.equal(cpuShare(files({ '/sys/fs/cgroup/cpu.max': '400000 100000\n' })), 1);
});

test('cpu share: the quota of a container is what it sees as its root', () => {
  const container = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '25000 100000\n' };
  assert.equal(cpuShare(files(container)), 0.25);
});

test('cpu share: the smallest quota on the way to the root counts', () => {
  const service = {
    '/proc/self/cgroup': '0::/system.slice/probe.service\n',
    '/sys/fs/cgroup/system.slice/probe.service/cpu.max': '50000 100000\n',
    '/sys/fs/cgroup/system.slice/cpu.max': '20000 100000\n',
    '/sys/fs/cgroup/cpu.max': 'max 100000\n',
  };
  assert.equal(cpuShare(files(service)), 0.2);
});

test('cpu share: version 1 says its quota in two files, -1 for none', () => {
  const first = (quota: string) =>
    files({ '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': quota, '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' });
  assert.equal(cpuShare(first('10000\n')), 0.1);
  assert.equal(cpuShare(first('-1\n')), 1);
});

test('cpu share: files of rubbish count as no quota, and a tiny quota as a hundredth', () => {
  assert.equal(cpuShare(files({ '/proc/self/cgroup': '\0', '/sys/fs/cgroup/cpu.max': 'x y z' })), 1);
  assert.equal(cpuShare(files({ '/sys/fs/cgroup/cpu.max': '1 1000000' })), 0.01);
});

test('cpu share: on this machine it is a share', () => {
  const share = cpuShare();
  assert.ok(share >= 0.01 && share <= 1);
});
