/** Types of the messages that a prober meets (RFC 792; RFC 4443). */
export const icmpTypes = {
  4: { echoRequest: 8, echoReply: 0, unreachable: 3, timeExceeded: 11, tooBig: undefined, parameterProblem: 12 },
  6: { echoRequest: 128, echoReply: 129, unreachable: 1, timeExceeded: 3, tooBig: 2, parameterProblem: 4 },
} as const;

/** Length of the header of an echo message: type, code, checksum, identifier, sequence number. */
export const echoHeaderLength = 8;

/**
 * Writes the header of an echo request at `at`, with checksum 0 (RFC 792, page 14; RFC 4443, section 4.1).
 * What follows it is the caller's.
 */
export const writeEchoRequest = (view: DataView, at: number, family: 4 | 6, id: number, sequence: number): void => {
  view.setUint8(at, icmpTypes[family].echoRequest);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, 0);
  view.setUint16(at + 4, id);
  view.setUint16(at + 6, sequence);
};

/** The Internet checksum of `length` bytes, as it stands in a header whose field was zero (RFC 1071). */
export const checksum = (view: DataView, at: number, length: number): number => {
  let sum = 0;
  for (let index = 0; index + 1 < length; index += 2) sum += view.getUint16(at + index);
  if (length % 2 === 1) sum += view.getUint8(at + length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
};

/** The header of an echo message: where it stands, and whose it is. */
export type Echo = { readonly id: number; readonly sequence: number; readonly payloadAt: number };

/**
 * The echo message of type `type` and code 0 that begins at `at`; `undefined` if it is another or less than its header is there
 * before `end`. The payload may be cut short.
 */
export const readEcho = (view: DataView, at: number, end: number, type: number): Echo | undefined => {
  const bound = Math.min(end, view.byteLength);
  if (at < 0 || at + echoHeaderLength > bound) return undefined;
  if (view.getUint8(at) !== type || view.getUint8(at + 1) !== 0) return undefined;
  return { id: view.getUint16(at + 4), sequence: view.getUint16(at + 6), payloadAt: at + echoHeaderLength };
};

/** Length of the IPv4 header that begins at `at` (RFC 791, section 3.1); `undefined` if there is none before `end`. */
export const ip4HeaderLength = (view: DataView, at: number, end: number): number | undefined => {
  if (at < 0 || at + 20 > Math.min(end, view.byteLength)) return undefined;
  const first = view.getUint8(at);
  const length = (first & 0x0f) * 4;
  return first >> 4 === 4 && length >= 20 && at + length <= end ? length : undefined;
};

/** What an ICMP error says about the packet that it answers. */
export type ErrorKind = 'hop' | 'port' | 'unreachable' | 'too_big' | 'other';

/** The kind of an ICMP error by type and code: `hop` is a time to live that ended, `port` a closed port of the target itself. */
export const errorKind = (family: 4 | 6, type: number, code: number): ErrorKind => {
  const types = icmpTypes[family];
  if (type === types.timeExceeded) return code === 0 ? 'hop' : 'other';
  if (type === types.tooBig || (family === 4 && type === 3 && code === 4)) return 'too_big';
  if (type !== types.unreachable) return 'other';
  return code === (family === 4 ? 3 : 4) ? 'port' : 'unreachable';
};

/** The codes of "destination unreachable" in words (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1; RFC 4443 section 3.1). */
const unreachableCodes: Readonly<Record<4 | 6, readonly string[]>> = {
  4: [
    'network unreachable',
    'host unreachable',
    'protocol unreachable',
    'port unreachable',
    'fragmentation needed',
    'source route failed',
    'network unknown',
    'host unknown',
    'source host isolated',
    'network prohibited',
    'host prohibited',
    'network unreachable for this type of service',
    'host unreachable for this type of service',
    'communication prohibited',
    'host precedence violation',
    'precedence cutoff',
  ],
  6: [
    'no route',
    'communication prohibited',
    'beyond the scope of the source address',
    'address unreachable',
    'port unreachable',
    'source address failed policy',
    'route rejected',
  ],
};

/** An ICMP error in words with its numbers: `host unreachable (type 3, code 1)`. */
export const errorText = (family: 4 | 6, type: number, code: number): string => {
  const numbers = `(type ${type}, code ${code})`;
  const types = icmpTypes[family];
  if (type === types.unreachable) return `${unreachableCodes[family][code] ?? 'unreachable'} ${numbers}`;
  if (type === types.timeExceeded)
    return `${code === 0 ? 'time to live exceeded' : 'fragment reassembly time exceeded'} ${numbers}`;
  if (type === types.tooBig) return `packet too big ${numbers}`;
  return type === types.parameterProblem ? `parameter problem ${numbers}` : `ICMP error ${numbers}`;
};
