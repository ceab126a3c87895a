import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { middle } from '../lab/star.ts';
import { answering } from '../lab/worker.ts';
import { awsServer } from '../servers/aws.ts';
import { chain, issue } from '../servers/certificates.ts';
import { httpsServer } from '../servers/http.ts';
import { prometheus } from '../servers/prometheus.ts';

// What regions find out there: two targets behind TLS, one of them with an expired certificate, AWS, and Prometheus. Our servers
// listen on loopback; the middle's address leads to them. Questions are PromQL, or none to begin with.

const { root, intermediate } = await chain();
const good = await issue({ names: ['shop.example'], issuer: intermediate });
const old = await issue({ names: ['old.example'], issuer: intermediate, notBefore: -9, notAfter: -1 });
const [, , path = ''] = process.argv;
await using stack = new AsyncDisposableStack();
const web = stack.use(await httpsServer(undefined, { cert: good.cert + intermediate.cert, key: good.key }));
const expired = stack.use(await httpsServer(undefined, { cert: old.cert + intermediate.cert, key: old.key }));
const aws = stack.use(await awsServer());
const prom = stack.use(await prometheus(path));
aws.parameters.set('/push', 'canary-push-token');
const lead = async (url: string): Promise<number> => {
  const port = Number(new URL(url).port);
  const server = createServer((socket) => {
    const inner = connect(port, '127.0.0.1');
    for (const one of [socket, inner]) one.on('error', () => {});
    socket.pipe(inner).pipe(socket);
    socket.on('close', () => inner.destroy());
  });
  server.listen(port, middle);
  await once(server, 'listening');
  stack.defer(() => void server.close());
  return port;
};
const ports = {
  web: await lead(web.url),
  expired: await lead(expired.url),
  aws: await lead(aws.url),
  prometheus: await lead(prom.url),
};
await answering(async ({ query }) =>
  typeof query === 'string'
    ? { rows: await prom.query(query) }
    : { ...ports, ca: root.cert, environment: aws.environment },
);
