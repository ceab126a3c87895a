import { connect, createServer, type Server } from 'node:net';
import { listening, type TcpServer } from './tcp.ts';

/** A `close_notify` of TLS 1.3 with an AEAD of 16 bytes: header, alert, content type and tag (RFC 8446, sections 5.2 and 6.1). */
export const closeNotifyBytes = 5 + 2 + 1 + 16;

/**
 * A proxy on 127.0.0.1 in front of a server there, which takes away the last bytes that the server says before it closes the connection: as
 * an attacker on the way does who truncates what is encrypted.
 */
export const truncating = async (port: number, bytes: number): Promise<Omit<TcpServer, 'received'>> => {
  const server: Server = createServer((client) => {
    const backend = connect(port, '127.0.0.1');
    let held = Buffer.alloc(0);
    let flush: NodeJS.Timeout | undefined;
    client.on('error', () => backend.destroy());
    backend.on('error', () => client.destroy());
    client.pipe(backend);
    backend.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      const sent = Math.max(0, held.length - bytes);
      client.write(held.subarray(0, sent));
      held = held.subarray(sent);
      // What no end follows was not the last.
      clearTimeout(flush);
      flush = setTimeout(() => {
        client.write(held);
        held = Buffer.alloc(0);
      }, 200);
    });
    backend.on('end', () => {
      clearTimeout(flush);
      client.end();
    });
  });
  return listening(server);
};
