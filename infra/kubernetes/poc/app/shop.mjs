import { createServer } from 'node:http';
import { connect } from 'node:net';

// What customers open. It stands on a database and on an API of somebody else's; put your own app here.
//   /         the page: 200, or 503 without the database
//   /healthz  what it stands on, each by its name: 200, or 503 when one of them is missing

const { HOST: host, PORT: port = '8080', DATABASE = '', PAYMENTS = '' } = process.env;
const patienceMs = 1_000;

/** The question of PostgreSQL's protocol whether the server speaks TLS; the answer is one letter. */
const sslRequest = Buffer.from('0000000804d2162f', 'hex');

const askDatabase = () =>
  new Promise((resolve, reject) => {
    const [name, number] = DATABASE.split(':');
    const socket = connect({ host: name, port: Number(number), timeout: patienceMs });
    socket.once('connect', () => socket.write(sslRequest));
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
    socket.once('data', () => {
      resolve('good');
      socket.destroy();
    });
  });

const askPayments = async () => {
  const { ok, status } = await fetch(PAYMENTS, { signal: AbortSignal.timeout(patienceMs) });
  if (!ok) throw new Error(`answered ${status}`);
  return 'good';
};

/** What came of a question: `good`, or why not. */
const asked = (question) => question().catch((error) => error.cause?.code ?? error.code ?? error.message);

const answers = {
  '/': async () => {
    const database = await asked(askDatabase);
    return database === 'good' ? [200, 'Welcome to the shop.'] : [503, `No orders now: ${database}.`];
  },
  '/healthz': async () => {
    const [database, payments] = await Promise.all([asked(askDatabase), asked(askPayments)]);
    const isGood = database === 'good' && payments === 'good';
    return [isGood ? 200 : 503, JSON.stringify({ 'orders-db': database, 'payments-api': payments })];
  },
};

const respond = async ({ url }, response) => {
  const answer = Object.hasOwn(answers, url) ? answers[url] : () => [404, 'Not here.'];
  const [status, text] = await answer();
  response.writeHead(status).end(`${text}\n`);
};

const server = createServer((request, response) => void respond(request, response));
server.listen({ host, port: Number(port) }, () => process.stdout.write(`shop: port ${server.address().port}\n`));
// The first process of a container ends only if it says so itself.
process.once('SIGTERM', () => process.exit(0));
