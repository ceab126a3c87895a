import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { forLambda } from '../../src/config/lambda-files.ts';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { probeDoor } from '../../src/lambda/probe-door.ts';
import { marks } from '../../src/net/marks.ts';
import { resolver } from '../../src/net/resolve.ts';
import { probers } from '../../src/probers/index.ts';
import { awsServer } from '../servers/aws.ts';
import { a, dnsServer } from '../servers/dns.ts';
import { httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';

const vpc = { subnet_ids: ['subnet-1'], security_group_ids: ['sg-1'] };
/** Where the list of the stage is. */
export const key = 'lists/b/prod/lists/eu-west-1.json';

/** Where a cluster publishes. */
export const clusterKey = (cluster: string): string => `lists/b/prod/clusters/${cluster}/eu-west-1.json`;

/** A function that reads its list, and what clusters publish, from a bucket; `list` packs one of so many targets for a vantage. */
export const listWorld = async (
  options: Parameters<typeof awsServer>[0] & { readonly clusters?: readonly string[] } = {},
) => {
  const { clusters = ['prod-a'] } = options;
  const stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer(options));
  const web = stack.use(await httpServer());
  const push = stack.use(await receiver());
  const names = stack.use(await dnsServer({ reply: () => ({ answers: [a('127.0.0.1')] }) }));
  /** What a cluster publishes: its names lead to this machine, which is no place of the public Internet. */
  const published = (targets: readonly string[], writtenAt?: number): Buffer => {
    const loaded = loadValue(
      {
        vantages: { 'eu-west-1': { kind: 'lambda' } },
        targets: targets.map((name) => ({ name, target: `http://found.example.com:${new URL(web.url).port}/${name}` })),
      },
      { probers },
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { compiled, literals } = loaded;
    return gzipSync(packList({ ...compiled, literals, externalLabels: {} }, undefined, writtenAt));
  };
  const list = (names: readonly string[], vantage = 'eu-west-1', http = {}): string => {
    const loaded = loadValue(
      {
        vantages: { [vantage]: { kind: 'lambda', private: 'allow', vpc } },
        remote_write: [{ url: push.url, authorization: { credentials: '${ssm:/push}' } }],
        targets: names.map((name) => ({ name, target: `${web.url}/${name}`, side: 'outside', http })),
      },
      { probers },
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return packList(forLambda({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} }).list);
  };
  const read = readPacked(list(['first']));
  if (!read.ok) throw new Error(read.why);
  const lines: string[] = [];
  aws.parameters.set('/push', 'canary-push');
  const door = stack.use(
    probeDoor({
      packed: read.packed,
      vantage: 'eu-west-1',
      probers,
      environment: {
        ...aws.environment,
        BOTHWAYS_LIST_S3: [key, ...clusters.map(clusterKey)].map((one) => `s3://${one}`).join(' '),
        BOTHWAYS_LIST_REGION: 'eu-west-1',
        BOTHWAYS_LIST_CLUSTERS: clusters.map((one) => `${one}=2`).join(' '),
      },
      clock: marks(),
      resolver: resolver({ servers: [`127.0.0.1:${names.port}`], search: [], hostsFile: '/nonexistent' }),
      log: ({ level, msg }) => void lines.push(`${level} ${msg}`),
    }),
  );
  let serial = 0;
  /** Runs a slot; gives the paths that were probed and what the run said of its list. */
  const run = async () => {
    serial += 1;
    const [probed, pushed] = [web.requests.length, push.pushes.length];
    const end = Date.now() + 30_000;
    const event = { slot: new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString(), id: String(serial) };
    const context = { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: event.id };
    const { list: hash, undelivered } = await door.handle(event, context);
    const said = push.pushes.slice(pushed).flatMap(({ series }) => series);
    const good = said.find(({ labels }) => labels.__name__ === 'bothways_list_last_reload_successful')?.value;
    const info = said.find(({ labels }) => labels.__name__ === 'bothways_list_info')?.labels.hash;
    assert.equal(info, hash);
    const reasons = said
      .filter(({ labels }) => labels.__name__ === 'probe_failure_info')
      .map(({ labels }) => `${labels.name} ${labels.reason}`);
    const own = (name: string) =>
      said
        .filter(({ labels }) => labels.__name__ === name)
        .map(({ labels, value }) => [labels.cluster, labels.shard, value]);
    return {
      ages: own('bothways_cluster_list_age_seconds'),
      leftOut: own('bothways_cluster_checks_left_out'),
      reloaded: own('bothways_cluster_list_last_reload_successful'),
      slot: Date.parse(event.slot),
      reasons: reasons.sort(),
      probed: web.requests
        .slice(probed)
        .map(({ path }) => path)
        .sort(),
      good,
      hash,
      undelivered,
    };
  };
  return {
    aws,
    web,
    push,
    door,
    lines,
    list,
    published,
    run,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
};
