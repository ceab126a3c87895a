import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { needs } from '../servers/peers.ts';
import { freePort } from '../servers/program.ts';
import { prometheus } from '../servers/prometheus.ts';
import { proxyServer } from '../servers/proxy.ts';
import { startAgent, startAgentWith, until } from './running-agent.ts';
import { listFile, serve, site } from './world.ts';

const list = (url: string, push: string, targets: number) => `
vantages: { laptop: { kind: agent } }
remote_write: [{ name: here, url: "${push}", queue_config: { batch_send_deadline: 700ms } }]
defaults: { inside: { interval: 1s, timeout: 1s, from: [laptop] } }
targets:
${Array.from({ length: targets }, (_, index) => `  - { name: t${index}, side: inside, target: "${url}/${index}" }`).join('\n')}
`;

test('agent: two of one name push to one Prometheus, and say so', async (t) => {
  const program = await needs(t, 'prometheus-3.5');
  if (program === undefined) return;
  await using web = await site();
  await using receiver = await prometheus(program.path);
  await using file = await listFile(list(web.url, receiver.writeUrl, 20));
  await using one = await startAgent(file.path);
  await using other = await startAgent(file.path);
  const said = await Promise.race([one, other].map((agent) => agent.said(/does another agent/)));
  assert.match(said, /here refused \d+ samples: status 400: (out of order|duplicate) sample.*push as vantage laptop\?/);
});

test('agent: a receiver that is away is in the log, and that it is back', async () => {
  await using web = await site();
  const port = await freePort();
  await using file = await listFile(list(web.url, `http://127.0.0.1:${port}/write`, 1));
  await using agent = await startAgent(file.path);
  assert.match(await agent.said(/takes no samples/), /"level":"error".*here takes no samples: ECONNREFUSED; \d+ wait/);
  const server = createServer((request, answer) => request.resume().on('end', () => answer.writeHead(204).end()));
  server.listen(port, '127.0.0.1');
  assert.match(await agent.said(/answers again/), /"level":"info".*here answers again/);
  assert.equal(await agent.stop(), 0);
  server.closeAllConnections();
  server.close();
});

test('agent: that samples were left at its end is said with the reason', async () => {
  await using web = await site();
  await using file = await listFile(list(web.url, `http://127.0.0.1:${await freePort()}/write`, 1));
  await using agent = await startAgent(file.path, '--stop-timeout', '1s');
  await until(async () => /^bothways_runs_total\{[^}]*\} [1-9]/m.test(await agent.get('/metrics')), 'no run');
  assert.equal(await agent.stop(), 1);
  assert.match(agent.lines.at(-2) ?? '', /here takes no samples: ECONNREFUSED; \d+ wait/);
  assert.match(agent.lines.at(-1) ?? '', /\d+ samples not delivered/);
});

test('agent: samples that were refused once do not make a later, clean stop a failed one', async () => {
  await using web = await site();
  let status = 400;
  await using push = await serve((request, answer) =>
    request.resume().on('end', () => answer.writeHead(status).end(status === 400 ? 'no, thank you' : undefined)),
  );
  await using file = await listFile(list(web.url, push.url, 1));
  await using agent = await startAgent(file.path);
  await agent.said(/here refused \d+ samples/);
  status = 204;
  assert.equal(await agent.stop(), 0);
  assert.doesNotMatch(agent.lines.join('\n'), /not delivered/);
});

test('agent: a queue that is too short for the list is said at the start', async () => {
  await using web = await site();
  const short = list(web.url, `${web.url}/good`, 20).replace('queue_config: {', 'queue_config: { capacity: 50,');
  await using file = await listFile(short);
  await using agent = await startAgent(file.path);
  assert.match(
    await agent.said(/may be away/),
    /"level":"warn".*here may be away for 0 s .*queue_config\.capacity: \d+ /,
  );
});

test('agent: a proxy that answers CONNECT and then falls silent is in the log, and does not hold up its end', async () => {
  await using web = await site();
  await using proxy = await proxyServer((_head, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    return undefined;
  });
  await using file = await listFile(
    list(web.url, 'https://receiver.test/', 1).replace('name: here,', 'name: here, remote_timeout: 500ms,'),
  );
  await using agent = await startAgentWith({ HTTPS_PROXY: proxy.url }, file.path, '--stop-timeout', '1s');
  await agent.said(/here takes no samples: PROXY_TIMEOUT; \d+ wait/);
  assert.equal(await agent.stop(), 1);
});

test('agent: a proxy that cannot be used is said at the start, and nothing goes around it', async () => {
  await using web = await site();
  await using file = await listFile(list(web.url, 'https://receiver.test/', 1));
  const environment = { HTTPS_PROXY: 'socks5://ann:canary@127.0.0.1:1' };
  await using agent = await startAgentWith(environment, file.path, '--stop-timeout', '1s');
  assert.match(await agent.said(/speaks socks5/), /"level":"warn".*HTTPS_PROXY asks for a proxy that speaks socks5/);
  await agent.said(/here takes no samples: HTTPS_PROXY asks for a proxy/);
  assert.equal(await agent.stop(), 1);
  assert.doesNotMatch(agent.lines.join(), /canary/);
});
