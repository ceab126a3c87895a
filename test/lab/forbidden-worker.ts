import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { loadValue } from '../../src/config/load.ts';
import type { ProberTable } from '../../src/config/schema.ts';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { kit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { execute } from '../../src/run/execute.ts';

/** What {@link Reached} is about: an address as it stands in a URL. */
export type Asked = { readonly hosts: readonly string[]; readonly linkLocal: boolean };

/** The status that a plain request to a host gets, and what each way of probing it gives: a reason, or `good`. */
export type Reached = {
  readonly host: string;
  readonly plain: number | string;
  readonly probed: Readonly<Record<string, string>>;
};

/**
 * Runs in a place of the lab that has all these addresses itself: a server that answers 200 at each of them, and redirects; then the
 * probers, by a host's address and by a redirect to it.
 */
// safe: written by forbidden.test.ts
const { hosts, linkLocal } = JSON.parse(await text(process.stdin)) as Asked;
const server = createServer((asked, response) => {
  const to = /^\/to\/(.*)$/.exec(asked.url ?? '')?.[1];
  if (to === undefined) response.end('canary');
  else response.writeHead(302, { location: `http://${decodeURIComponent(to)}/` }).end();
});
server.listen(80, '::');
await once(server, 'listening');

const plainly = (host: string): Promise<number | string> =>
  new Promise((resolve) => {
    const asked = request(
      { host: host.replace(/^\[(.*)\]$/, '$1'), path: '/', port: 80, timeout: 5_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', ({ message }) => resolve(message)).end();
  });

await using own = kit({ engine: openEngine });
const table: ProberTable = probers;
const clock = marks();
const probed = async (target: string): Promise<string> => {
  const allow = linkLocal ? { link_local: 'allow' } : {};
  const list = { vantages: { lab: { kind: 'agent' } }, targets: [{ target, interval: '1m', timeout: '3s', ...allow }] };
  const loaded = loadValue(list, { probers });
  if (!loaded.ok) return loaded.problems.map(({ message }) => message).join(' ');
  const [check] = loaded.compiled.checks;
  const prober = table[check?.module.prober ?? ''];
  if (check === undefined || prober === undefined) return 'no check';
  const { outcome } = await execute(check, prober, own, { clock });
  return outcome.void ?? (outcome.failures.map(({ reason }) => reason).join(' ') || 'good');
};

const reached: Reached[] = [];
for (const host of hosts) {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  reached.push({
    host,
    plain: await plainly(host),
    probed: {
      http: await probed(`http://${host}/`),
      tcp: await probed(`tcp://${host}:80`),
      icmp: await probed(`icmp://${bare}`),
      mtr: await probed(`mtr://${bare}`),
      dns: await probed(`dns://${host}/example.com`),
      redirect: await probed(`http://127.0.0.1/to/${encodeURIComponent(host)}`),
    },
  });
}
server.closeAllConnections();
server.close();
console.log(JSON.stringify(reached));
