import { type Control, emptyControl, messageFields, readControl, sizes } from '../../protocol/linux-socket.ts';
import type { Area, Libc } from './libc.ts';

/** One message as it lies in memory. The record and the memory are used again for the next one. */
export type Message = {
  readonly view: DataView;
  /** Where the other side's address begins: the sender, or in the error queue the destination of the packet in question. */
  nameAt: number;
  dataAt: number;
  dataEnd: number;
  flags: number;
  readonly control: Control;
};

/** Reads from sockets, many messages by one call. */
export type MessageReader = {
  /** Hands each message that is there, at most {@link messagesAtOnce}, to `each`, which must not read itself. How many there were, or minus an error number. */
  readonly read: (fd: number, flags: number, each: (message: Message) => void) => number;
};

/** As many messages as one call reads. */
export const messagesAtOnce = 32;

const controlRoom = 256;
/** As many bytes of a message as are kept. */
export const dataRoom = 256;
const slotSize = sizes.messageElement + sizes.vector + sizes.address + controlRoom + dataRoom;
const slotsAt = messagesAtOnce * sizes.messageElement;

/** Lays out the memory that messages are read into; all pointers in it are written here, once. */
export const messageReader = (libc: Libc): MessageReader => {
  const area = libc.area(messagesAtOnce * slotSize);
  const { view } = area;
  const rest = slotSize - sizes.messageElement;
  const slots = Array.from({ length: messagesAtOnce }, (_, index) => {
    const headerAt = index * sizes.messageElement;
    const vectorAt = slotsAt + index * rest;
    const nameAt = vectorAt + sizes.vector;
    const controlAt = nameAt + sizes.address;
    const dataAt = controlAt + controlRoom;
    pointTo(area, headerAt + messageFields.name, nameAt);
    pointTo(area, headerAt + messageFields.vectors, vectorAt);
    view.setUint32(headerAt + messageFields.vectorCount, 1, true);
    pointTo(area, headerAt + messageFields.control, controlAt);
    pointTo(area, vectorAt, dataAt);
    view.setUint32(vectorAt + 8, dataRoom, true);
    return { headerAt, nameAt, controlAt, dataAt };
  });
  const message: Message = { view, nameAt: 0, dataAt: 0, dataEnd: 0, flags: 0, control: emptyControl() };

  const read: MessageReader['read'] = (fd, flags, each) => {
    // The kernel overwrites the lengths with what it used.
    for (const { headerAt } of slots) {
      view.setUint32(headerAt + messageFields.nameLength, sizes.address, true);
      view.setUint32(headerAt + messageFields.controlLength, controlRoom, true);
      view.setUint32(headerAt + messageFields.flags, 0, true);
    }
    const count = libc.receive(fd, area, messagesAtOnce, flags);
    for (let index = 0; index < Math.min(count, messagesAtOnce); index += 1) {
      const slot = slots[index];
      if (slot === undefined) break;
      const { headerAt, nameAt, controlAt, dataAt } = slot;
      message.nameAt = nameAt;
      message.dataAt = dataAt;
      message.dataEnd = dataAt + Math.min(view.getUint32(headerAt + messageFields.received, true), dataRoom);
      message.flags = view.getInt32(headerAt + messageFields.flags, true);
      const controlLength = Math.min(view.getUint32(headerAt + messageFields.controlLength, true), controlRoom);
      readControl(view, controlAt, controlLength, libc.base, message.control);
      each(message);
    }
    return count;
  };
  return { read };
};

/** Writes messages, one by one. */
export type MessageWriter = {
  /** What will be sent; filled by the caller from its beginning. */
  readonly packet: Area;
  /** Sends the first `length` bytes of the packet. `source` is a local address, 4 or 16 bytes. Bytes sent, or minus an error number. */
  readonly send: (fd: number, to: Uint8Array, length: number, source: Uint8Array | undefined) => number;
};

/** The largest UDP or ICMP message without its IP header (RFC 791: 65,535 with one of 20 bytes). */
const mostBytes = 65_515;
const packetInfo = { 4: { level: 0, type: 8, size: 12 }, 16: { level: 41, type: 50, size: 20 } } as const;

/** Lays out the memory that messages are sent from. */
export const messageWriter = (libc: Libc): MessageWriter => {
  const header = libc.area(sizes.messageHeader + sizes.vector + sizes.address + 64);
  const packet = libc.area(mostBytes);
  const { view } = header;
  const vectorAt = sizes.messageHeader;
  const nameAt = vectorAt + sizes.vector;
  const controlAt = nameAt + sizes.address;
  pointTo(header, messageFields.name, nameAt);
  pointTo(header, messageFields.vectors, vectorAt);
  view.setUint32(messageFields.vectorCount, 1, true);
  pointTo(header, messageFields.control, controlAt);
  view.setBigUint64(vectorAt, packet.pointer, true);

  const writeSource = (source: Uint8Array | undefined): number => {
    if (source === undefined) return 0;
    const { level, type, size } = source.length === 4 ? packetInfo[4] : packetInfo[16];
    header.bytes.fill(0, controlAt);
    view.setUint32(controlAt, sizes.controlHeader + size, true);
    view.setInt32(controlAt + 8, level, true);
    view.setInt32(controlAt + 12, type, true);
    // IPv4: interface, source, destination; IPv6: source, interface.
    header.bytes.set(source, controlAt + sizes.controlHeader + (source.length === 4 ? 4 : 0));
    return (sizes.controlHeader + size + 7) & ~7;
  };

  const send: MessageWriter['send'] = (fd, to, length, source) => {
    if (length > packet.length) throw new RangeError(`${length} bytes are more than a packet holds`);
    header.bytes.set(to, nameAt);
    view.setUint32(messageFields.nameLength, to.length, true);
    view.setUint32(vectorAt + 8, length, true);
    view.setUint32(messageFields.controlLength, writeSource(source), true);
    return libc.send(fd, header, 0x40);
  };
  return { packet, send };
};

const pointTo = ({ view, pointer, length }: Area, at: number, offset: number): void => {
  if (offset >= length) throw new RangeError('a pointer out of its area');
  view.setBigUint64(at, pointer + BigInt(offset), true);
};
