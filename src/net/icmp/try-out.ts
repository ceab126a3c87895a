import type { DatagramSocket } from './datagram-socket.ts';
import type { Capabilities, IcmpMode, ProbeEngine } from './engine.ts';
import { errorName } from './libc.ts';

/** Why ICMP cannot be spoken by this process, and what would help. */
export const notPermittedText = (errno: number): string =>
  `this process may not send ICMP (${errorName(errno)}): set the sysctl net.ipv4.ping_group_range to a range with its group ` +
  `(${process.getgid?.() ?? 0}), for example "0 65535", or give it the capability NET_RAW`;

/** One echo and one refused UDP packet on loopback: they must come back as we understand them, or that kind is not used. */
export const tryOut = async (
  probe: ProbeEngine['probe'],
  icmpSocket: (family: 4 | 6) => DatagramSocket | number,
): Promise<Capabilities> => {
  const problems: string[] = [];
  const [icmp4, icmp6] = [icmpSocket(4), icmpSocket(6)];
  const modeOf = async (opened: DatagramSocket | number, address: string): Promise<IcmpMode> => {
    if (typeof opened === 'number') {
      problems.push(notPermittedText(opened));
      return 'none';
    }
    const outcome = await probe({ address, protocol: 'icmp', timeoutMs: 1_000 });
    const isUnderstood = outcome.kind === 'reply' && outcome.hopLimit > 0;
    const mode = opened.kind === 'raw' ? 'raw' : 'dgram';
    if (isUnderstood || (outcome.kind === 'local' && address === '::1')) return mode;
    problems.push(`an echo to ${address} did not come back (${outcome.kind})`);
    return 'none';
  };
  const udp = async () => {
    const outcome = await probe({ address: '127.0.0.1', protocol: 'udp', port: 9, ttl: 1, timeoutMs: 1_000 });
    return outcome.kind === 'reply';
  };
  const [mode4, mode6, hasUdp] = await Promise.all([modeOf(icmp4, '127.0.0.1'), modeOf(icmp6, '::1'), udp()]);
  const stamps = [icmp4, icmp6].some((each) => typeof each !== 'number' && each.hasSendStamps);
  return {
    icmp4: mode4,
    icmp6: mode6,
    udp: hasUdp,
    tcp: hasUdp,
    sendStamps: stamps,
    why: [...new Set(problems)].join('; '),
  };
};
