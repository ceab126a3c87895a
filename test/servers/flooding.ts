import { createSocket } from 'node:dgram';
import http2 from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { chain } from './certificates.ts';

// Run as a process of its own, so that sending costs the prober nothing: a server that sends as fast as it can, for as long as
// anybody reads; `none` answers and is silent. Says its port.

const [kind = ''] = process.argv.slice(2);
const block = Buffer.alloc(65_536, 'x');
const chunk = Buffer.concat([Buffer.from('10000\r\n'), block, Buffer.from('\r\n')]);

const flood = (socket: Socket, bytes: Buffer) => {
  socket.on('error', () => {});
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
};

/** What a TCP server sends once a request has come, and then again and again. */
const floods: Record<string, readonly [first: string, Buffer]> = {
  'status 500': ['HTTP/1.1 500 Down\r\nTransfer-Encoding: chunked\r\n\r\n', chunk],
  'status 200': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunk],
  'status line': ['HTTP/1.1 200 ', block],
  informational: ['', Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(1_000))],
  none: ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', block],
  lines: ['', Buffer.from('no\n'.repeat(20_000))],
};

const say = (port: number) => process.stdout.write(`${port}\n`);

if (kind === 'dns') {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port }) => {
    // Answers to another query, which are to be ignored.
    const other = Buffer.from(query);
    other.writeUInt16BE((query.readUInt16BE(0) + 1) % 65_536);
    const until = performance.now() + 3_000;
    const more = () => {
      for (let count = 0; count < 100; count += 1) socket.send(other, port, '127.0.0.1', () => {});
      if (performance.now() < until) setImmediate(more);
    };
    more();
  });
  socket.bind(0, '127.0.0.1', () => say(socket.address().port));
} else if (kind === 'http/2') {
  const { leaf, intermediate } = await chain();
  const server = http2.createSecureServer({ cert: leaf.cert + intermediate.cert, key: leaf.key });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 500 });
    const more = () => {
      while (!stream.destroyed && stream.write(block));
    };
    stream.on('drain', more);
    more();
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1', () => say((server.address() as { readonly port: number }).port)); // safe: it listens on TCP
} else {
  const [first, bytes] = floods[kind] ?? ['', block];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    const begin = () => {
      socket.write(first);
      if (kind === 'none') socket.end();
      else flood(socket, bytes);
    };
    if (kind === 'lines') begin();
    else socket.once('data', begin);
  });
  server.listen(0, '127.0.0.1', () => say((server.address() as { readonly port: number }).port)); // safe: it listens on TCP
}
