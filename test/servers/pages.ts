import { createServer } from 'node:net';

// A server of pages in a process of its own, so that making and sending them takes no time of the one that probes. Prints its port, and
// ends with its standard input. `/ok` is small; the others are of 10 MB, and each leads one expression astray.

const bytes = 10_000_000;
const noise = (alphabet: string, start: string): Buffer => {
  const page = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 1) page[at] = alphabet.charCodeAt(Math.floor(Math.random() * alphabet.length));
  page.set(Buffer.from(start));
  return page;
};
const pages: Readonly<Record<string, Buffer>> = {
  '/ok': Buffer.from('ok '.repeat(100)),
  '/bits': noise('01', '2'),
  '/words': noise('ok ', 'ready'),
};

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (request) => {
    const [, path = ''] = request.toString('latin1').split(' ');
    const page = pages[path] ?? Buffer.alloc(0);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n`);
    socket.write(page);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : '');
});
process.stdin.on('end', () => process.exit()).resume();
