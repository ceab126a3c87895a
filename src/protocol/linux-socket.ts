/**
 * The structures through which Linux's sockets speak, little endian and 64 bit: the same on x64 and arm64, glibc and musl, but
 * for the epoll event. musl keeps some lengths in 32 bits with zeros behind; only the low halves are read here.
 * @see https://man7.org/linux/man-pages/man7/ip.7.html for IP_RECVERR, man3/cmsg.3 for control messages
 */
export const sizes = {
  messageHeader: 56,
  messageElement: 64,
  vector: 16,
  controlHeader: 16,
  address4: 16,
  address6: 28,
  /** Room for an address of either family. */
  address: 32,
} as const;

/** Where the fields of `struct msghdr` and of the `struct mmsghdr` around it begin. */
export const messageFields = {
  name: 0,
  nameLength: 8,
  vectors: 16,
  vectorCount: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  received: 56,
} as const;

/** Address families and the levels of options and control messages. */
export const families = { ip4: 2, ip6: 10 } as const;
const levels = { socket: 1, ip4: 0, ip6: 41 } as const;

/** The flag of a message whose control messages did not all fit. */
export const controlTruncated = 0x8;

/** Who put an error into the queue; `stamp` is no error but the time at which a packet left. */
export const origins = { local: 1, icmp4: 2, icmp6: 3, stamp: 4 } as const;

/** What the control messages of one message said. One record is used again and again, so its fields are overwritten. */
export type Control = {
  /** The kernel's time of arrival (or of leaving, when the origin is `stamp`), nanoseconds since the base; NaN if there is none. */
  stamp: number;
  /** The hop limit that the packet arrived with; -1 if unknown. */
  hopLimit: number;
  /** 0 when this is no entry of the error queue. */
  origin: number;
  errno: number;
  type: number;
  code: number;
  /** The next hop's MTU where the error has one. */
  info: number;
  /** The number of the packet that a `stamp` is about. */
  data: number;
  /** Where in the view the address of whoever reported the error begins; -1 if there is none. */
  offenderAt: number;
};

/** A fresh record for {@link readControl}. */
export const emptyControl = (): Control => ({
  stamp: Number.NaN,
  hopLimit: -1,
  origin: 0,
  errno: 0,
  type: 0,
  code: 0,
  info: 0,
  data: 0,
  offenderAt: -1,
});

/**
 * Reads the control messages that lie in `view` from `start` for `length` bytes into `into`. `base` is subtracted from stamps,
 * in seconds, so that nanoseconds stay exact. What is cut short or unknown is passed over; nothing outside is read.
 */
export const readControl = (view: DataView, start: number, length: number, base: number, into: Control): void => {
  into.stamp = Number.NaN;
  into.hopLimit = -1;
  into.origin = 0;
  into.offenderAt = -1;
  const end = Math.min(start + length, view.byteLength);
  let at = start;
  while (at >= 0 && at + sizes.controlHeader <= end) {
    const size = view.getUint32(at, true);
    if (size < sizes.controlHeader || size > end - at) return;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    readOne(view, at + sizes.controlHeader, size - sizes.controlHeader, level, type, base, into);
    at += (size + 7) & ~7;
  }
};

const readOne = (
  view: DataView,
  at: number,
  size: number,
  level: number,
  type: number,
  base: number,
  into: Control,
): void => {
  if (level === levels.socket) {
    // SO_TIMESTAMPING carries three times, of which the first is the software's.
    if (type === 37 && size >= 16) into.stamp = readTime(view, at, base);
    return;
  }
  const isHopLimit = (level === levels.ip4 && type === 2) || (level === levels.ip6 && type === 52);
  if (isHopLimit && size >= 4) into.hopLimit = view.getInt32(at, true);
  const isError = (level === levels.ip4 && type === 11) || (level === levels.ip6 && type === 25);
  if (!isError || size < 16) return;
  into.errno = view.getUint32(at, true);
  into.origin = view.getUint8(at + 4);
  into.type = view.getUint8(at + 5);
  into.code = view.getUint8(at + 6);
  into.info = view.getUint32(at + 8, true);
  into.data = view.getUint32(at + 12, true);
  const family = size >= 18 ? view.getUint16(at + 16, true) : 0;
  const room = size - 16;
  const fits =
    (family === families.ip4 && room >= sizes.address4) || (family === families.ip6 && room >= sizes.address6 - 4);
  into.offenderAt = fits ? at + 16 : -1;
};

/** A `struct timespec` as nanoseconds since `base`, which is in seconds. Exact for 104 days from there, and to 2 ns for long after. */
export const readTime = (view: DataView, at: number, base: number): number =>
  (view.getUint32(at, true) - base) * 1e9 + view.getUint32(at + 8, true);

/** A destination as bytes of `struct sockaddr_in` or `sockaddr_in6`. `address` is 4 or 16 bytes, `scope` an interface's index. */
export const socketAddress = (address: Uint8Array, port: number, scope = 0): Uint8Array => {
  const isFour = address.length === 4;
  const bytes = new Uint8Array(isFour ? sizes.address4 : sizes.address6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isFour ? families.ip4 : families.ip6, true);
  view.setUint16(2, port);
  bytes.set(address, isFour ? 4 : 8);
  if (!isFour) view.setUint32(24, scope, true);
  return bytes;
};

/** Whether the address that begins at `at` is the one of `wanted` (as {@link socketAddress} made it), whatever the ports. */
export const isSameAddress = (view: DataView, at: number, wanted: Uint8Array): boolean => {
  const isFour = wanted.length === sizes.address4;
  const from = isFour ? 4 : 8;
  const length = isFour ? 4 : 16;
  if (at + from + length > view.byteLength || view.getUint8(at) !== wanted[0]) return false;
  for (let index = from; index < from + length; index += 1)
    if (view.getUint8(at + index) !== wanted[index]) return false;
  return true;
};

/** The bytes of the address that begins at `at`, without family and port; none for a family that we do not speak. */
export const addressIn = (view: DataView, at: number): Uint8Array => {
  const family = at + 2 <= view.byteLength ? view.getUint16(at, true) : 0;
  const isFour = family === families.ip4;
  const from = isFour ? at + 4 : at + 8;
  const length = isFour ? 4 : 16;
  if ((!isFour && family !== families.ip6) || from + length > view.byteLength) return new Uint8Array(0);
  return new Uint8Array(view.buffer.slice(view.byteOffset + from, view.byteOffset + from + length));
};
