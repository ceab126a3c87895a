import { connect, createServer, type Socket } from 'node:net';
import { listening, type TcpServer } from './tcp.ts';

/** A proxy that takes CONNECT and leads every name to loopback. `asked` are the heads of what it was asked. */
export type Proxy = Omit<TcpServer, 'received'> & { readonly url: string; readonly asked: string[] };

/** Starts a proxy; `answer` gives the first bytes of its answer, or nothing for silence. */
export const proxyServer = async (
  answer: (head: string, socket: Socket) => string | undefined = () => 'HTTP/1.1 200 Connection established\r\n\r\n',
): Promise<Proxy> => {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => {
      const head = chunk.toString('latin1');
      asked.push(head);
      const said = answer(head, socket);
      if (said === undefined) return;
      socket.write(said);
      if (!said.startsWith('HTTP/1.1 2')) return;
      const port = Number(/^CONNECT [^ ]*:(\d+) /.exec(head)?.[1]);
      const inner = connect(port, '127.0.0.1');
      inner.on('error', () => socket.destroy());
      socket.on('close', () => inner.destroy());
      inner.on('close', () => socket.destroy());
      socket.pipe(inner).pipe(socket);
    });
  });
  const open = await listening(server);
  return { ...open, asked, url: `http://127.0.0.1:${open.port}` };
};
