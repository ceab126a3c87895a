import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kubernetesServer } from '../test/servers/kubernetes.ts';
import { type Figure, figureOf } from './figure.ts';

const run = promisify(execFile);
const subject = fileURLToPath(new URL('discovery-subject.ts', import.meta.url));

/** What discovery may cost: seconds and megabytes for so many Ingresses, their checks compiled. */
const bars = { ingresses: 5_000, seconds: 3, megabytes: 40 };

/** As the launcher starts an agent. */
const flags = ['--v8-pool-size=1', '--max-semi-space-size=2', '--heap-growing-percent=20', '--expose-gc'];
const environment = { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' };

/** Discovers a large cluster anew in each round, in a process of its own. */
export const discoveryFigures = async (rounds: number): Promise<Figure[]> => {
  await using server = await kubernetesServer();
  for (let index = 0; index < bars.ingresses; index += 1)
    server.put('/apis/networking.k8s.io/v1/ingresses', ingress(index));
  const [seconds, megabytes]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const { stdout } = await run(process.execPath, [...flags, subject, server.url], { env: environment });
    const said = JSON.parse(stdout);
    if (said.checks !== bars.ingresses) throw new Error(`${said.checks} checks`);
    seconds.push(said.seconds / bars.seconds);
    megabytes.push(said.megabytes / bars.megabytes);
  }
  return [
    figureOf('discovery-time', seconds, 1, `of ${bars.seconds} s for ${bars.ingresses} Ingresses, checks compiled`),
    figureOf('discovery-memory', megabytes, 1, `of ${bars.megabytes} MB that they take`),
  ];
};

/** An Ingress as large as they are when people and controllers have written to it. */
const ingress = (index: number) => {
  const host = `web-${index}.example.com`;
  return {
    metadata: {
      name: `web-${index}`,
      namespace: `team-${index % 50}`,
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(900),
        'cert-manager.io/cluster-issuer': 'letsencrypt',
      },
      managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsV1: { written: 'y'.repeat(600) } }],
    },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: [host], secretName: 'tls' }],
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web' } } }] } }],
    },
  };
};
