import type { Capabilities, IcmpMode } from './engine.ts';
import { isPassing, openProblemText } from './open-problem.ts';
import type { Line } from './socket-table.ts';

/** One line of sockets for each use that may be permitted or not. */
type Lines = { readonly icmp4: Line; readonly icmp6: Line; readonly udp4: Line; readonly udp6: Line };

/**
 * What the process may do now: a socket that opens is taken as permitted, whatever becomes of its packets. While one does not open
 * it is tried again, with a growing wait. What is used up for the moment, such as descriptors, does not count as forbidden.
 */
export const permissions = (lines: Lines): (() => Capabilities) => {
  let known: Capabilities | undefined;
  const look = (now: number): Capabilities => {
    const problems = new Set<string>();
    let sendStamps = false;
    const modeOf = (line: Line): IcmpMode => {
      const seat = line.newest(now);
      if ('errno' in seat) {
        problems.add(openProblemText(seat));
        return isPassing(seat.errno) ? 'dgram' : 'none';
      }
      sendStamps ||= seat.socket.hasSendStamps;
      return seat.socket.kind === 'raw' ? 'raw' : 'dgram';
    };
    const icmp4 = modeOf(lines.icmp4);
    const icmp6 = modeOf(lines.icmp6);
    // The second family is asked only where the first one is not there.
    const udp = modeOf(lines.udp4) !== 'none' || modeOf(lines.udp6) !== 'none';
    return { icmp4, icmp6, udp, tcp: true, sendStamps, why: [...problems].join('; ') };
  };
  return () => {
    const now = performance.now();
    const { icmp4, icmp6, udp4 } = lines;
    if (known === undefined || [icmp4, icmp6, udp4].some((line) => line.isRetryDue(now))) known = look(now);
    return known;
  };
};
