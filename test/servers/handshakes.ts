import { kit } from '../../src/net/kit.ts';
import { tlsSettings } from '../../src/net/settings.ts';
import { connectTls } from '../../src/net/tls.ts';
import { testContext } from './context.ts';

// Run as a process of its own: handshakes with a server, and how much memory the process holds after some of them.
const [port = 0, count = 0] = process.argv.slice(2).map(Number);
await using made = kit();
const settings = tlsSettings.parse({});

for (let done = 1; done <= count; done += 1) {
  await using context = testContext({ kit: made });
  const secured = await connectTls({ ip: '127.0.0.1', port }, { servername: 'localhost', settings }, context);
  if (secured.ok) secured.socket.destroy();
  if (done % 50 !== 0) continue;
  globalThis.gc?.();
  process.stdout.write(`${done} ${process.memoryUsage.rss() / 1e6}\n`);
}
