import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import type { Socket } from 'node:net';

/** The messages of the server's first flight (RFC 5246, section 7.3), whole. */
export type Flight = {
  readonly hello: Buffer;
  readonly certificate: Buffer;
  readonly keyExchange: Buffer;
  readonly done: Buffer;
};

/** A handshake that is complete: what is sent from here on is encrypted. */
export type Session = {
  readonly socket: Socket;
  /** Sends bytes as one record of a type: 23 data, 22 handshake, 21 alert. */
  readonly send: (bytes: Uint8Array, type?: number) => boolean;
};

/** How the server behaves. `certificates` are in DER and need not be any. */
export type Tls12Options = {
  readonly certificates: readonly Uint8Array[];
  readonly key: KeyObject;
  readonly version?: number;
  readonly cipher?: number;
  readonly alpn?: string;
  /** Replaces the point of the server's key share. */
  readonly point?: Buffer;
  /** Sends the flight in its own way; what it returns is what was sent as messages, for the transcript. */
  readonly sendFlight?: (flight: Flight, socket: Socket) => void;
  readonly wrongFinished?: boolean;
  /** Messages between ClientFinished and our ChangeCipherSpec, such as a session ticket. */
  readonly beforeFinished?: readonly Buffer[];
  readonly onSession?: (session: Session) => void;
  /** Decrypted data of the client. */
  readonly onData?: (session: Session, data: Buffer) => void;
};

const ephemeral = createECDH('prime256v1');
ephemeral.generateKeys();

/** A handshake message (RFC 5246, section 7.4). */
export const message = (type: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  head[0] = type;
  return Buffer.concat([head, body]);
};

/** Bytes as plaintext records of at most `size` bytes (RFC 5246, section 6.2.1). */
export const records = (type: number, bytes: Uint8Array, size = 16_384): Buffer => {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += size) {
    const piece = bytes.subarray(at, at + size);
    all.push(Buffer.from([type, 3, 3, piece.length >> 8, piece.length & 255]), Buffer.from(piece));
  }
  return Buffer.concat(all);
};

/** The body of a Certificate message. */
const certificateList = (certificates: readonly Uint8Array[]): Buffer => {
  const list = Buffer.concat(certificates.flatMap((der) => [uint24(der.length), Buffer.from(der)]));
  return Buffer.concat([uint24(list.length), list]);
};

const uint16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const uint24 = (value: number) => Buffer.from([(value >> 16) & 255, (value >> 8) & 255, value & 255]);

const prf = (secret: Uint8Array, label: string, seed: Uint8Array, length: number): Buffer => {
  const start = Buffer.concat([Buffer.from(label), seed]);
  const blocks: Buffer[] = [];
  let a: Uint8Array = start;
  while (blocks.length * 32 < length) {
    a = createHmac('sha256', secret).update(a).digest();
    blocks.push(createHmac('sha256', secret).update(a).update(start).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
};

/**
 * Serves one connection with TLS 1.2, ECDHE-ECDSA-AES128-GCM-SHA256 over P-256, written to break every rule on request. It presents any
 * bytes as certificates, which a server of OpenSSL refuses to load.
 */
export const serveTls12 = (socket: Socket, options: Tls12Options): void => {
  let held: Buffer = Buffer.alloc(0);
  const transcript: Buffer[] = [];
  const random = randomBytes(32);
  let clientRandom: Buffer = Buffer.alloc(0);
  let keys: { readonly master: Buffer; readonly block: Buffer } | undefined;
  let encrypted = false;
  let session: Session | undefined;
  let received = 0n;
  let sent = 0n;

  const seal = (type: number, bytes: Uint8Array): Buffer => {
    const block = keys?.block ?? Buffer.alloc(40);
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(sent);
    sent += 1n;
    const cipher = createCipheriv(
      'aes-128-gcm',
      block.subarray(16, 32),
      Buffer.concat([block.subarray(36, 40), counter]),
    );
    cipher.setAAD(Buffer.concat([counter, Buffer.from([type, 3, 3]), uint16(bytes.length)]));
    const body = Buffer.concat([counter, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    return Buffer.concat([Buffer.from([type, 3, 3]), uint16(body.length), body]);
  };
  const open = (type: number, body: Buffer): Buffer => {
    const block = keys?.block ?? Buffer.alloc(40);
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(received);
    received += 1n;
    const decipher = createDecipheriv(
      'aes-128-gcm',
      block.subarray(0, 16),
      Buffer.concat([block.subarray(32, 36), body.subarray(0, 8)]),
    );
    decipher.setAAD(Buffer.concat([counter, Buffer.from([type, 3, 3]), uint16(body.length - 24)]));
    decipher.setAuthTag(body.subarray(-16));
    return Buffer.concat([decipher.update(body.subarray(8, -16)), decipher.final()]);
  };

  const onClientHello = (hello: Buffer) => {
    clientRandom = hello.subarray(6, 38);
    const alpn =
      options.alpn === undefined
        ? Buffer.alloc(0)
        : Buffer.concat([
            uint16(16),
            uint16(options.alpn.length + 3),
            uint16(options.alpn.length + 1),
            Buffer.from([options.alpn.length]),
            Buffer.from(options.alpn),
          ]);
    // renegotiation_info, without which OpenSSL 3 goes no further (RFC 5746).
    const extensions = Buffer.concat([Buffer.from('ff01000100', 'hex'), alpn]);
    const cipher = uint16(options.cipher ?? 0xc02b);
    const head = [uint16(options.version ?? 0x0303), random, Buffer.from([0]), cipher, Buffer.from([0])];
    const point = options.point ?? ephemeral.getPublicKey();
    const share = Buffer.concat([Buffer.from([3, 0, 23, point.length]), point]);
    const signature = sign('sha256', Buffer.concat([clientRandom, random, share]), options.key);
    const flight: Flight = {
      hello: message(2, ...head, uint16(extensions.length), extensions),
      certificate: message(11, certificateList(options.certificates)),
      keyExchange: message(12, share, Buffer.from([4, 3]), uint16(signature.length), signature),
      done: message(14),
    };
    const { hello: first, certificate, keyExchange, done } = flight;
    transcript.push(hello, first, certificate, keyExchange, done);
    if (options.sendFlight === undefined)
      socket.write(records(22, Buffer.concat([first, certificate, keyExchange, done])));
    else options.sendFlight(flight, socket);
  };

  const onKeyExchange = (exchange: Buffer) => {
    transcript.push(exchange);
    const secret = ephemeral.computeSecret(exchange.subarray(5));
    const master = prf(secret, 'master secret', Buffer.concat([clientRandom, random]), 48);
    keys = { master, block: prf(master, 'key expansion', Buffer.concat([random, clientRandom]), 40) };
  };

  const onFinished = (finished: Buffer) => {
    transcript.push(finished);
    for (const extra of options.beforeFinished ?? []) {
      transcript.push(extra);
      socket.write(records(22, extra));
    }
    const hash = createHash('sha256').update(Buffer.concat(transcript)).digest();
    const verify = prf(keys?.master ?? hash, 'server finished', hash, 12);
    if (options.wrongFinished === true) verify[0] = (verify[0] ?? 0) ^ 1;
    socket.write(Buffer.concat([records(20, Buffer.from([1])), seal(22, message(20, verify))]));
    const opened: Session = {
      socket,
      send: (bytes, type = 23) => !socket.destroyed && socket.write(seal(type, bytes)),
    };
    session = opened;
    options.onSession?.(opened);
  };

  const onRecord = (type: number, body: Buffer) => {
    if (type === 20) {
      encrypted = true;
      return;
    }
    const plain = encrypted ? open(type, body) : body;
    if (type === 23 && session !== undefined) options.onData?.(session, plain);
    if (type !== 22) return;
    if (encrypted) {
      if (session === undefined) onFinished(plain);
    } else if (plain[0] === 1) onClientHello(plain);
    else if (plain[0] === 16) onKeyExchange(plain);
  };

  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
      const end = 5 + held.readUInt16BE(3);
      const [type, body] = [held[0] ?? 0, held.subarray(5, end)];
      held = held.subarray(end);
      try {
        onRecord(type, body);
      } catch {
        // A client that does not follow either.
        socket.destroy();
        return;
      }
    }
  });
};
