/** How a host of the responder behaves. Times are milliseconds. */
export type Manners = {
  readonly delayMs?: number;
  /** Each request is answered so often. */
  readonly times?: number;
  /** Every so many requests one is not answered. */
  readonly dropEvery?: number;
  /** The answer has another payload than the request. */
  readonly isForged?: boolean;
  /** The answer comes from another host. */
  readonly from?: number;
  /** The answer ends after so many bytes of payload. */
  readonly cutTo?: number;
  /** Requests are answered by "time exceeded", which quotes the IP header and so many bytes behind it. */
  readonly quoted?: number;
};

/** A packet to send, and when. */
export type Answer = { readonly packet: Uint8Array; readonly afterMs: number };

const icmp = 1;

/**
 * What a host that behaves by its manners sends back for an IPv4 packet; the last byte of its address says which host it is. `count`
 * is how many requests it has had before. Nothing for what is no echo request, unless it quotes.
 */
export const respond = (packet: Uint8Array, manners: Manners, count: number): Answer[] => {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.length < 28 || packet[0] !== 0x45) return [];
  const protocol = view.getUint8(9);
  const { delayMs: afterMs = 0, times = 1, dropEvery, quoted } = manners;
  if (dropEvery !== undefined && count % dropEvery === dropEvery - 1) return [];
  if (quoted !== undefined) return [{ packet: timeExceeded(packet, quoted), afterMs }];
  if (protocol !== icmp || view.getUint8(20) !== 8) return [];
  const answer = echoReply(packet, manners);
  return Array.from({ length: times }, () => ({ packet: answer, afterMs }));
};

const echoReply = (request: Uint8Array, { isForged = false, from, cutTo }: Manners): Uint8Array => {
  const body = request.slice(20, cutTo === undefined ? undefined : 28 + cutTo);
  body[0] = 0;
  if (isForged) for (let index = 8; index < body.length; index += 1) body[index] = (body[index] ?? 0) ^ 0xff;
  const source = request.slice(16, 20);
  if (from !== undefined) source[3] = from;
  return packetOf(source, request.slice(12, 16), body);
};

const timeExceeded = (request: Uint8Array, quoted: number): Uint8Array => {
  const body = new Uint8Array(8 + Math.min(request.length, 20 + quoted));
  body[0] = 11;
  body.set(request.subarray(0, body.length - 8), 8);
  return packetOf(request.slice(16, 20), request.slice(12, 16), body);
};

/** An IPv4 packet with ICMP in it, checksums and all. */
const packetOf = (source: Uint8Array, destination: Uint8Array, body: Uint8Array): Uint8Array => {
  const packet = new Uint8Array(20 + body.length);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, icmp]);
  view.setUint16(2, packet.length);
  packet.set(source, 12);
  packet.set(destination, 16);
  packet.set(body, 20);
  view.setUint16(22, 0);
  view.setUint16(10, sum(packet.subarray(0, 20)));
  view.setUint16(22, sum(packet.subarray(20)));
  return packet;
};

/** The Internet checksum, once more: a test that used ours could not find it wrong. */
const sum = (bytes: Uint8Array): number => {
  let total = 0;
  for (const [index, byte] of bytes.entries()) total += index % 2 === 0 ? byte * 256 : byte;
  while (total > 65_535) total = (total % 65_536) + Math.floor(total / 65_536);
  return 65_535 - total;
};
