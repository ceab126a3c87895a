import { socketAddress } from '../../protocol/linux-socket.ts';
import { type DatagramSocket, datagramSocket, type Shared } from './datagram-socket.ts';
import { isPassing, type OpenProblem } from './open-problem.ts';
import { type Line, socketTable } from './socket-table.ts';

/** The sockets of an engine, by what they are for. */
export type SocketLines = {
  readonly icmp: (family: 4 | 6, isUncut: boolean, isSpare?: boolean) => Line;
  readonly udp: (family: 4 | 6, isUncut: boolean, flow: number) => Line;
  readonly byFd: ReadonlyMap<number, DatagramSocket>;
  readonly close: () => void;
};

const firstLocalPort = 20_002;

/** Lines of sockets without a socket yet. `admit` lets a new socket be watched; a problem if it cannot. */
export const socketLines = (
  shared: Shared,
  admit: (socket: DatagramSocket) => OpenProblem | undefined,
): SocketLines => {
  const table = socketTable(admit);
  // An array and small numbers, since a line is looked up for every packet.
  const icmpLines: (Line | undefined)[] = [];
  const udpLines = new Map<number, Line>();

  const icmp: SocketLines['icmp'] = (family, isUncut, isSpare = false) => {
    const place = (family === 6 ? 4 : 0) + (isUncut ? 2 : 0) + (isSpare ? 1 : 0);
    const known = icmpLines[place];
    if (known !== undefined) return known;
    const made = table.line(() => {
      const ping = datagramSocket(shared, 'ping', family, isUncut, undefined);
      if (!('errno' in ping) || isPassing(ping.errno)) return ping;
      const raw = datagramSocket(shared, 'raw', family, isUncut, undefined);
      // A second refusal says less than the first one.
      return 'errno' in raw && !isPassing(raw.errno) ? ping : raw;
    });
    icmpLines[place] = made;
    return made;
  };

  const udp: SocketLines['udp'] = (family, isUncut, flow) => {
    const place = flow * 4 + (family === 6 ? 2 : 0) + (isUncut ? 1 : 0);
    const known = udpLines.get(place);
    if (known !== undefined) return known;
    const usual = socketAddress(new Uint8Array(family === 4 ? 4 : 16), firstLocalPort + flow);
    const made = table.line((isFirst) => {
      const wanted = isFirst ? datagramSocket(shared, 'udp', family, isUncut, usual) : undefined;
      // Another process, or an older socket, has the port: any other is as constant.
      if (wanted === undefined || ('errno' in wanted && wanted.call === 'bind'))
        return datagramSocket(shared, 'udp', family, isUncut, undefined);
      return wanted;
    });
    udpLines.set(place, made);
    return made;
  };

  return { icmp, udp, byFd: table.byFd, close: table.close };
};
