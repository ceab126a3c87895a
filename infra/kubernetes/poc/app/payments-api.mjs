import { createServer } from 'node:http';

// Stands in for an API that somebody else runs: /health is good, nothing else is there.

const { HOST: host, PORT: port = '8080' } = process.env;
const server = createServer(({ url }, response) => {
  const isHealth = url === '/health';
  response.writeHead(isHealth ? 200 : 404).end(isHealth ? 'good\n' : 'Not here.\n');
});
server.listen({ host, port: Number(port) }, () =>
  process.stdout.write(`payments-api: port ${server.address().port}\n`),
);
// The first process of a container ends only if it says so itself.
process.once('SIGTERM', () => process.exit(0));
