import { parseArgs } from 'node:util';
import { chain } from '../test/servers/certificates.ts';
import type { PeerName } from '../test/servers/peer-table.ts';
import { peer } from '../test/servers/peers.ts';
import { freePort, startProgram } from '../test/servers/program.ts';
import { agentFigures } from './agent.ts';
import { compareCpu, type Kind } from './cpu.ts';
import { discoveryFigures } from './discovery.ts';
import { type Figure, figureOf, holds } from './figure.ts';
import { icmpFigures } from './icmp.ts';
import { lambdaFigures, smallFunctionFigures } from './lambda.ts';
import { planFigures } from './plan.ts';
import { startSubject } from './subject-process.ts';
import { compareTiming, startTruth } from './timing.ts';
import { folder, forgetfulReceiver, nginxConfig } from './world.ts';

// `npm run bench`: figures against the packaged blackbox_exporter, all ratios within this one run.
// `-- --json` prints one object per line; `-- --only PATTERN` runs the benches whose name it matches; exit 1 when a bar is missed.

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '9' },
  },
});
const rounds = Number(values.rounds);
const only = new RegExp(values.only);
const wanted = (name: string) => only.test(name);
/** Ten minutes long, so only when asked for by name. */
const isSoak = values.only !== '' && only.test('icmp-soak');

const program = async (name: PeerName): Promise<string> => {
  const found = await peer(name);
  if (found.missing !== undefined) throw new Error(found.missing);
  return found.path;
};

await using stack = new AsyncDisposableStack();
const files = stack.use(await folder());
const { root, intermediate, leaf } = await chain();
await files.write('chain.pem', leaf.cert + intermediate.cert);
await files.write('key.pem', leaf.key);
const ca = await files.write('ca.pem', root.cert);

const ports = {
  http: await freePort(),
  https: await freePort(),
  http2: await freePort(),
  tcp: await freePort(),
  dns: await freePort(),
  blackbox: await freePort(),
};
const nginx = await files.write('nginx.conf', nginxConfig({ folder: files.path, ...ports }));
stack.use(await startProgram(await program('nginx'), ['-p', files.path, '-c', nginx], ports.http));
const dnsArguments = [
  '--keep-in-foreground',
  '--conf-file=/dev/null',
  '--no-resolv',
  '--no-hosts',
  '--bind-interfaces',
  '--listen-address=127.0.0.1',
  `--port=${ports.dns}`,
  '--address=/bench.test/192.0.2.1',
  '--user=',
  '--pid-file=',
];
stack.use(await startProgram(await program('dnsmasq'), dnsArguments, ports.dns));
const truth = stack.use(await startTruth({ key: leaf.key, cert: leaf.cert + intermediate.cert, delayMs: 50 }));
const receiver = stack.use(await forgetfulReceiver());

const tlsConfig = { ca_file: ca };
const http1 = { preferred_ip_protocol: 'ip4', enable_http2: false, tls_config: tlsConfig };
const modules = {
  http: { prober: 'http', timeout: '10s', http: http1 },
  truth: { prober: 'http', timeout: '10s', http: http1 },
  http2: {
    prober: 'http',
    timeout: '10s',
    http: { preferred_ip_protocol: 'ip4', valid_http_versions: ['HTTP/2.0'], tls_config: tlsConfig },
  },
  tcp: { prober: 'tcp', timeout: '10s', tcp: { preferred_ip_protocol: 'ip4' } },
  dns: {
    prober: 'dns',
    timeout: '10s',
    dns: { query_name: 'bench.test', query_type: 'A', preferred_ip_protocol: 'ip4' },
  },
};
const targets = {
  https: { module: 'http', target: `https://localhost:${ports.https}/` },
  http: { module: 'http', target: `http://localhost:${ports.http}/` },
  http2: { module: 'http2', target: `https://localhost:${ports.http2}/` },
  tcp: { module: 'tcp', target: `localhost:${ports.tcp}` },
  dns: { module: 'dns', target: `localhost:${ports.dns}` },
  truth: { module: 'truth', target: `https://localhost:${truth.port}/` },
};
// JSON is YAML.
const blackboxConfig = await files.write('blackbox.yml', JSON.stringify({ modules }));
const list = await files.write(
  'list.yml',
  JSON.stringify({
    version: 1,
    vantages: { bench: { kind: 'agent' } },
    remote_write: [{ url: receiver.url, queue_config: { max_samples_per_send: 500 } }],
    modules,
    targets: Object.entries(targets).map(([name, target]) => ({ name, side: 'inside', ...target })),
  }),
);
const blackboxArguments = [
  `--config.file=${blackboxConfig}`,
  `--web.listen-address=127.0.0.1:${ports.blackbox}`,
  '--log.level=error',
];
const blackbox = {
  ...stack.use(await startProgram(await program('blackbox-exporter'), blackboxArguments, ports.blackbox)),
  url: `http://127.0.0.1:${ports.blackbox}`,
};
const subject = stack.use(await startSubject());
await subject.ask({ do: 'open', list });

// Few and light first: each connection waits out its end for a minute (TIME-WAIT), and many of them make the next ones dearer.
const kinds: readonly Kind[] = [
  { name: 'dns', ...targets.dns, limit: 0.3, probes: 3_000 },
  { name: 'tcp', ...targets.tcp, limit: 0.3, probes: 1_500 },
  { name: 'http', ...targets.http, limit: 0.25, probes: 1_000 },
  { name: 'https', ...targets.https, limit: 0.9, probes: 600 },
  { name: 'http2', ...targets.http2, limit: 1, probes: 600 },
];

const show = (figure: Figure): void => {
  if (!holds(figure)) process.exitCode = 1;
  if (values.json) return void process.stdout.write(`${JSON.stringify(figure)}\n`);
  const bar = `${figure.atLeast === true ? 'at least' : 'at most'} ${figure.limit}`;
  const spread = figure.low === undefined ? '' : ` (${figure.low}-${figure.high}, ${figure.rounds} rounds)`;
  process.stdout.write(
    `${holds(figure) ? 'ok  ' : 'MISS'} ${figure.bench.padEnd(18)} ${String(figure.ratio).padEnd(7)} ${bar}${spread}${figure.note === undefined ? '' : `; ${figure.note}`}\n`,
  );
};

if (wanted('samples')) {
  const results: number[] = [];
  let counted = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { perProbeUs, samplesPerProbe } = await subject.ask<{ perProbeUs: number; samplesPerProbe: number }>({
      do: 'samples',
      name: 'https',
      count: 100,
      batch: 20,
    });
    // The bar is for 24 samples; a run may have a few more.
    results.push((perProbeUs * 24) / samplesPerProbe / 50);
    counted = samplesPerProbe;
  }
  show(
    figureOf(
      'samples',
      results,
      1,
      `of 50 us CPU for 24 samples in batches of 20 probes; measured with ${counted} samples a probe`,
    ),
  );
}
for (const kind of kinds) if (wanted(`cpu-${kind.name}`)) show(await compareCpu(kind, subject, blackbox, rounds));
if (wanted('timing') || wanted('doubt'))
  for (const figure of await compareTiming(subject, blackbox.url, truth, rounds)) show(figure);
if (['ping', 'mtr', 'icmp-idle', 'icmp-agent', 'agent-ping', 'agent-mtr'].some(wanted) || isSoak)
  for (const figure of await icmpFigures(wanted, rounds, isSoak)) show(figure);
if (['agent-idle', 'agent-load', 'agent-size'].some(wanted))
  for (const figure of await agentFigures({ folder: files, ports, ca, receiver: receiver.url }, wanted)) show(figure);
if (wanted('plan-10000')) for (const figure of await planFigures(files, rounds)) show(figure);
if (wanted('discovery')) for (const figure of await discoveryFigures(rounds)) show(figure);
if (wanted('lambda-bundle') || wanted('lambda-start'))
  for (const figure of await lambdaFigures({ folder: files, ports, ca, receiver: receiver.url }, rounds)) show(figure);
if (wanted('lambda-512'))
  for (const figure of await smallFunctionFigures({ folder: files }, truth, ca, Math.min(rounds, 5))) show(figure);
