import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { addresses } from '../lab/lab.ts';
import { answering } from '../lab/worker.ts';
import { dnsServer } from '../servers/dns.ts';
import { httpServer } from '../servers/http.ts';
import { prometheus } from '../servers/prometheus.ts';
import { tcpServer } from '../servers/tcp.ts';

// What the agent in the image depends on, at the far end of the chain: HTTP, TCP, DNS and Prometheus. They listen on loopback; the target's
// address leads to them. A question is PromQL, or none to begin with; `receiver` says whether Prometheus is to be reached.

const [, , path = ''] = process.argv;
await using stack = new AsyncDisposableStack();
const web = stack.use(await httpServer());
const tcp = stack.use(await tcpServer());
const dns = stack.use(await dnsServer());
const prom = stack.use(await prometheus(path));
let isOpen = true;
const always = () => true;
const passing = new Set<Socket>();
const lead = async (port: number, mayPass: () => boolean): Promise<number> => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (!mayPass()) return void socket.resetAndDestroy();
    const inner = connect(port, '127.0.0.1');
    inner.on('error', () => {});
    socket.pipe(inner).pipe(socket);
    if (mayPass !== always) passing.add(socket);
    socket.on('close', () => {
      passing.delete(socket);
      inner.destroy();
    });
    return undefined;
  });
  server.listen(port, addresses.target(4));
  await once(server, 'listening');
  stack.defer(() => void server.close());
  return port;
};
const ports = {
  web: await lead(Number(new URL(web.url).port), always),
  tcp: await lead(tcp.port, always),
  dns: await lead(dns.port, always),
  prometheus: await lead(Number(new URL(prom.url).port), () => isOpen),
};
await answering(async ({ query, receiver }) => {
  if (typeof receiver === 'boolean') isOpen = receiver;
  if (!isOpen) for (const socket of passing) socket.resetAndDestroy();
  return typeof query === 'string' ? { rows: await prom.query(query) } : ports;
});
