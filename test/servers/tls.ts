import tls from 'node:tls';
import { chain } from './certificates.ts';
import { listening, type TcpServer } from './tcp.ts';

/** How the server presents itself and misbehaves. Default: a sound chain for `localhost`, and nothing said. */
export type TlsOptions = tls.TlsOptions & { readonly onSecure?: (socket: tls.TLSSocket) => void };

/** A TLS server on 127.0.0.1. `received` is what came in after the handshake. */
export const tlsServer = async ({ onSecure, ...options }: TlsOptions = {}): Promise<TcpServer> => {
  const { leaf, intermediate } = await chain();
  const chunks: Buffer[] = [];
  const server = tls.createServer({ cert: leaf.cert + intermediate.cert, key: leaf.key, ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => chunks.push(data));
    onSecure?.(socket);
  });
  server.on('tlsClientError', () => {});
  return { ...(await listening(server)), received: () => Buffer.concat(chunks) };
};
