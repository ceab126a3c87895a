import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A TCP server on 127.0.0.1. */
export type TcpServer = AsyncDisposable & {
  readonly port: number;
  readonly accepted: () => number;
  /** Resolves once every accepted connection has been closed by the peer or by us. */
  readonly allClosed: () => Promise<void>;
  /** Resolves once so many connections have come and gone; a client may be done before the server has seen it. */
  readonly closed: (count: number) => Promise<void>;
  /** Ends all connections that are open. */
  readonly cut: () => void;
  /** What clients have sent so far, all together. */
  readonly received: () => Buffer;
};

/** How the server misbehaves. Default: it accepts and says nothing. */
export type TcpOptions = {
  readonly reset?: 'accept';
  /** Sent at once. */
  readonly greeting?: string | Uint8Array;
  /** Whatever comes in goes to this, with the socket to answer on. */
  readonly onData?: (socket: Socket, data: Buffer) => void;
  readonly onConnection?: (socket: Socket) => void;
};

/** Starts a server. */
export const tcpServer = async (options: TcpOptions = {}): Promise<TcpServer> => {
  const chunks: Buffer[] = [];
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    socket.on('error', () => {});
    if (options.reset === 'accept') return void socket.resetAndDestroy();
    options.onConnection?.(socket);
    if (options.greeting !== undefined) socket.write(options.greeting);
    socket.on('data', (data) => {
      chunks.push(data);
      options.onData?.(socket, data);
    });
  });
  return { ...(await listening(server)), received: () => Buffer.concat(chunks) };
};

/** Listens on a free port, of 127.0.0.1 unless another address is given, and keeps count of the connections. */
export const listening = async (server: Server, address = '127.0.0.1') => {
  const open = new Set<Socket>();
  let accepted = 0;
  let gone = 0;
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  let idle = Promise.withResolvers<void>();
  idle.resolve();
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    if (open.size === 0) idle = Promise.withResolvers<void>();
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      gone += 1;
      for (const { count, resolve } of waiting) if (gone >= count) resolve();
      if (open.size === 0) idle.resolve();
    });
  });
  server.listen(0, address);
  await once(server, 'listening');
  // safe: a listening TCP server has an address of this type
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    accepted: () => accepted,
    allClosed: () => idle.promise,
    closed: (count: number) =>
      new Promise<void>((resolve) => {
        if (gone >= count) resolve();
        else waiting.add({ count, resolve });
      }),
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
};

/** A port of 127.0.0.1 on which nothing listens. */
export const unusedPort = async (): Promise<number> => {
  const server = await tcpServer();
  await server[Symbol.asyncDispose]();
  return server.port;
};
