import { getSystemErrorName } from 'node:util';
import { readTime, sizes } from '../../protocol/linux-socket.ts';

/** A piece of memory that the kernel may read and write. It is never given back, so no view of it can become wild. */
export type Area = {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly pointer: bigint;
  readonly length: number;
};

/** Watches a descriptor for being readable. Counts as work of the process only while held by `ref`. */
export type Watch = { readonly ref: () => void; readonly unref: () => void; readonly close: () => void };

/**
 * The calls of the C library that sockets need and Node does not offer. Each gives its value, or minus the number of the error
 * (as the kernel itself does). Pointers come from {@link Area}s alone, whose lengths are checked on each call.
 */
export type Libc = {
  /** Seconds that all times are counted from. */
  readonly base: number;
  readonly area: (length: number) => Area;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array) => number;
  readonly connect: (fd: number, address: Uint8Array) => number;
  readonly port: (fd: number) => number;
  readonly setOption: (fd: number, level: number, name: number, value: number | Uint8Array) => number;
  /** The first `length` bytes of an option's value; fewer if the kernel says less. Overwritten by the next call. */
  readonly option: (fd: number, level: number, name: number, length: number) => DataView | number;
  readonly send: (fd: number, header: Area, flags: number) => number;
  readonly receive: (fd: number, headers: Area, count: number, flags: number) => number;
  readonly epoll: () => number;
  readonly watchIn: (epoll: number, fd: number, events: number) => number;
  readonly leave: (epoll: number, fd: number) => number;
  /** How many descriptors are ready now, without waiting, at most 64; or minus an error number. */
  readonly ready: (epoll: number) => number;
  /** The descriptor and the events of one of those that {@link Libc.ready} found. */
  readonly readyFd: (index: number) => number;
  readonly readyEvents: (index: number) => number;
  /** Wall time in nanoseconds since `base`. */
  readonly now: () => number;
  readonly close: (fd: number) => number;
  /** `undefined` where koffi offers no poll handle any more; it is not documented. */
  readonly watch: ((fd: number, onReadable: () => void) => Watch) | undefined;
};

/** The name of an error number: `EPERM`. */
export const errorName = (errno: number): string => {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
};

const eventsAtOnce = 64;

/**
 * Loads koffi and finds the calls in the process itself, so no library has a name here, be it glibc or musl.
 * Rejects where koffi has no build. Nothing but this file knows koffi.
 */
export const loadLibc = async (): Promise<Libc> => {
  const { default: koffi } = await import('koffi');
  const c = koffi.load(null);
  const area = (length: number): Area => {
    const pointer: unknown = koffi.alloc('uint8', length);
    const bytes = new Uint8Array(koffi.view(pointer, length));
    return { view: new DataView(bytes.buffer), bytes, pointer: koffi.address(pointer), length };
  };
  const scratch = area(512);
  const tailOf = (offset: number) => scratch.pointer + BigInt(offset);
  // Told of once each, and with as many arguments as they take: these are called for every packet.
  type Call = (...values: (number | bigint)[]) => number;
  // safe: all definitions below give an int
  const call = (definition: string): Call => c.func(definition) as Call;
  const failed = (value: number) => (value < 0 ? -koffi.errno() : value);
  const socket = call('int socket(int, int, int)');
  const bind = call('int bind(int, void *, uint32)');
  const connect = call('int connect(int, void *, uint32)');
  const getsockname = call('int getsockname(int, void *, void *)');
  const setsockopt = call('int setsockopt(int, int, int, void *, uint32)');
  const getsockopt = call('int getsockopt(int, int, int, void *, void *)');
  // A length that fits into 32 bits, as all of ours do, is the low half of what the call gives.
  const sendmsg = call('int sendmsg(int, void *, int)');
  const recvmmsg = call('int recvmmsg(int, void *, uint32, int, void *)');
  const epollCreate = call('int epoll_create1(int)');
  const epollCtl = call('int epoll_ctl(int, int, int, void *)');
  const epollWait = call('int epoll_wait(int, void *, int, int)');
  const clockGettime = call('int clock_gettime(int, void *)');
  const closeFd = call('int close(int)');

  /** Copies into the scratch area, which has the length that is handed on. */
  const put = (bytes: Uint8Array): number => {
    if (bytes.length > 256) throw new RangeError(`${bytes.length} bytes are more than a call may be handed`);
    scratch.bytes.set(bytes);
    return bytes.length;
  };
  const holds = ({ length }: Area, needed: number): void => {
    if (length < needed) throw new RangeError(`an area of ${length} bytes where ${needed} are needed`);
  };
  // The one structure that differs: packed on x64 (man 2 epoll_ctl), natural elsewhere.
  const eventSize = process.arch === 'x64' ? 12 : 16;
  const dataAt = process.arch === 'x64' ? 4 : 8;
  const events = area(eventSize * eventsAtOnce);
  const clock = area(16);
  const realtime = 0;
  clockGettime(realtime, clock.pointer);
  const base = clock.view.getUint32(0, true);

  return {
    base,
    area,
    socket: (family, type, protocol) => failed(socket(family, type, protocol)),
    bind: (fd, address) => failed(bind(fd, scratch.pointer, put(address))),
    connect: (fd, address) => failed(connect(fd, scratch.pointer, put(address))),
    port: (fd) => {
      scratch.view.setUint32(256, sizes.address, true);
      const result = failed(getsockname(fd, scratch.pointer, tailOf(256)));
      return result < 0 ? result : scratch.view.getUint16(2);
    },
    setOption: (fd, level, name, value) => {
      if (typeof value === 'number') scratch.view.setInt32(0, value, true);
      const length = typeof value === 'number' ? 4 : put(value);
      return failed(setsockopt(fd, level, name, scratch.pointer, length));
    },
    option: (fd, level, name, length) => {
      if (length > 256) throw new RangeError(`an option of ${length} bytes`);
      scratch.bytes.fill(0, 0, length);
      scratch.view.setUint32(256, length, true);
      const result = failed(getsockopt(fd, level, name, scratch.pointer, tailOf(256)));
      return result < 0 ? result : new DataView(scratch.bytes.buffer, 0, length);
    },
    send: (fd, header, flags) => {
      holds(header, sizes.messageHeader);
      return failed(sendmsg(fd, header.pointer, flags));
    },
    receive: (fd, headers, count, flags) => {
      holds(headers, count * sizes.messageElement);
      return failed(recvmmsg(fd, headers.pointer, count, flags, 0));
    },
    epoll: () => failed(epollCreate(0x80000)),
    watchIn: (epoll, fd, wanted) => {
      scratch.view.setUint32(0, wanted, true);
      scratch.view.setInt32(dataAt, fd, true);
      return failed(epollCtl(epoll, 1, fd, scratch.pointer));
    },
    leave: (epoll, fd) => failed(epollCtl(epoll, 2, fd, scratch.pointer)),
    ready: (epoll) => Math.min(failed(epollWait(epoll, events.pointer, eventsAtOnce, 0)), eventsAtOnce),
    readyFd: (index) => events.view.getInt32(index * eventSize + dataAt, true),
    readyEvents: (index) => events.view.getUint32(index * eventSize, true),
    now: () => {
      clockGettime(realtime, clock.pointer);
      return readTime(clock.view, 0, base);
    },
    close: (fd) => failed(closeFd(fd)),
    watch:
      typeof koffi.node?.poll === 'function'
        ? (fd, onReadable) => koffi.node.poll(fd, { readable: true }, onReadable)
        : undefined,
  };
};
