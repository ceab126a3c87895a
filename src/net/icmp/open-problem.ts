import { readFileSync } from 'node:fs';
import { errorName } from './libc.ts';

/** Why a socket could not be opened: the call that the system refused, and the number of the error. */
export type OpenProblem = {
  readonly call: string;
  readonly errno: number;
  /** What the socket is for. */
  readonly use: 'icmp4' | 'icmp6' | 'udp4' | 'udp6' | 'tcp';
};

const errnos = {
  EPERM: 1,
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EPROTONOSUPPORT: 93,
  EAFNOSUPPORT: 97,
  ENOBUFS: 105,
} as const;

const passing: ReadonlySet<number> = new Set([
  errnos.EINTR,
  errnos.EAGAIN,
  errnos.ENOMEM,
  errnos.ENFILE,
  errnos.EMFILE,
  errnos.ENOSPC,
  errnos.ENOBUFS,
]);

/** Whether an error says that something is used up now, and nothing about what the process may do. */
export const isPassing = (errno: number): boolean => passing.has(errno);

/** What the text of a problem depends on besides the problem itself. */
export type ProcessFacts = {
  /** The text of the sysctl net.ipv4.ping_group_range, or `undefined` if it cannot be read. */
  readonly pingGroupRange: string | undefined;
  /** The groups of the process. */
  readonly groups: readonly number[];
};

/** One sentence about a problem: the cause that it is, and what would help. */
export const openProblemText = ({ call, errno, use }: OpenProblem, facts: ProcessFacts = factsOfProcess()): string => {
  const name = errorName(errno);
  switch (errno) {
    case errnos.EMFILE:
      return `open files: the process has reached its limit (${name}); raise it with ulimit -n, or LimitNOFILE in a systemd unit`;
    case errnos.ENFILE:
      return `open files: this host has reached its limit (${name}); raise the sysctl fs.file-max`;
    case errnos.ENOSPC:
      return `epoll watches: the user has reached the limit (${name}); raise the sysctl fs.epoll.max_user_watches`;
    case errnos.ENOMEM:
    case errnos.ENOBUFS:
      return `${call}: the kernel has no memory for another socket (${name}); free some, or raise the memory limit`;
    case errnos.EAFNOSUPPORT:
      return `IPv${use.endsWith('6') ? 6 : 4}: this host does not have it (${name}); enable it in the kernel, or probe addresses of the other family`;
    default:
      break;
  }
  if (call.startsWith('setsockopt'))
    return `${call}: this kernel refuses the option (${name}); run Bothways on a kernel that has it, not on an emulation of Linux`;
  if (!use.startsWith('icmp') || call !== 'socket')
    return `${call}: the system refuses a socket for ${use} (${name}); look for a security policy (seccomp, AppArmor, SELinux)`;
  return icmpText(errno, name, facts);
};

const icmpText = (errno: number, name: string, { pingGroupRange, groups }: ProcessFacts): string => {
  if (errno === errnos.EPROTONOSUPPORT)
    return `ICMP (${name}): this kernel has no ping sockets; give the process the capability NET_RAW`;
  const [first = Number.NaN, last = Number.NaN] = (pingGroupRange ?? '').trim().split(/\s+/).map(Number);
  const isInRange = groups.some((group) => group >= first && group <= last);
  if (errno !== errnos.EACCES || isInRange)
    return `ICMP (${name}): a security policy of this host refuses the socket; allow ICMP sockets in seccomp, AppArmor or SELinux, or give the process the capability NET_RAW`;
  return (
    `ICMP (${name}): the sysctl net.ipv4.ping_group_range does not have a group of this process (${groups[0] ?? 0}); ` +
    'set it to a range with the group, for example "0 65535", or give the process the capability NET_RAW'
  );
};

const factsOfProcess = (): ProcessFacts => ({
  pingGroupRange: readText('/proc/sys/net/ipv4/ping_group_range'),
  groups: [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])],
});

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A file system without it: then the range is taken for the cause, as it is nearly always.
    return undefined;
  }
};
