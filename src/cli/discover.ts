import * as z from 'zod';
import { type DiscoverSettings, discoverSettings, kubernetesKinds } from '../config/discover.ts';
import { listText } from '../config/list-text.ts';
import { loadValue } from '../config/load.ts';
import type { List } from '../config/schema.ts';
import { openDiscovery } from '../discover/discovery.ts';
import { groupsOfSide } from '../discover/public-list.ts';
import { kit as makeKit } from '../net/kit.ts';
import { defineCommand, type Io, wrongUsage } from './command.ts';
import { openList, proberTable } from './open-list.ts';
import { printable } from './paint.ts';

/** How long the sources may take, in milliseconds. */
const firstMs = 30_000;

/** `bothways discover`: what a cluster has for the outside to probe. */
export const discover = defineCommand({
  name: 'discover',
  summary: 'Prints what a cluster has to probe from outside, as a target list.',
  details:
    'Reads the objects once, by the block `discover` of a list or by flags, and prints the hosts that the world can reach, ready for a pull request. Names and addresses that only the cluster knows are left out unless --side inside asks for them.',
  positional: [],
  args: z.strictObject({
    config: z.array(z.string()).default([]).describe('A list with a block `discover`.').meta({ value: 'FILE' }),
    kind: z
      .array(z.enum(kubernetesKinds, { error: `write one of ${kubernetesKinds.join(', ')}` }))
      .default([])
      .describe('Kinds of objects; ingress and httproute if there is no list. May be repeated.')
      .meta({ value: 'KIND' }),
    namespace: z
      .array(z.string())
      .default([])
      .describe('Only in this namespace; may be repeated.')
      .meta({ value: 'NAME' }),
    selector: z.string().optional().describe('Only objects with these labels.').meta({ value: 'LABELS' }),
    server: z.string().optional().describe("The API server; the pod's own if not set.").meta({ value: 'URL' }),
    tokenFile: z.string().optional().describe('File with a bearer token for it.').meta({ value: 'FILE' }),
    caFile: z
      .string()
      .optional()
      .describe('File with the certificates that it is verified by.')
      .meta({ value: 'FILE' }),
    side: z
      .enum(['outside', 'inside'])
      .default('outside')
      .describe('Hosts of the world, or those that only the cluster knows.')
      .meta({ value: 'SIDE' }),
    json: z.boolean().default(false).describe('Prints the list as JSON.'),
  }),
  examples: [
    'bothways discover --namespace shop > targets/shop.yml',
    'bothways discover --server http://127.0.0.1:8001 --kind ingress',
  ],
  run: async (args, io) => {
    const opened = await listAndSettings(args, io);
    if (opened === undefined) return 2;
    const { list, settings } = opened;
    await using kit = makeKit({ environment: io.environment });
    await using discovery = openDiscovery({
      settings,
      probers: proberTable,
      environment: io.environment,
      file: kit.file,
      changed: () => {},
    });
    const ended = AbortSignal.any([io.signal, AbortSignal.timeout(firstMs)]);
    await Promise.race([
      discovery.first,
      new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve(), { once: true })),
    ]);
    if (io.signal.aborted) return 130;
    const { groups, remarks, above } = discovery.compile(list);
    for (const { origin, why } of remarks) io.stderr.write(`warning: ${printable(`${origin}: ${why}`)}\n`);
    for (const [name, count] of above)
      io.stderr.write(`warning: ${name}: ${count} targets above max_targets are left out\n`);
    const found = groupsOfSide(groups(), args.side);
    const written = { version: 1 as const, groups: found.map(({ name: _, ...group }) => group) };
    io.stdout.write(
      // safe: what is left out of a list is what it does not need
      args.json ? `${JSON.stringify(written)}\n` : listText(written as unknown as List),
    );
    const failed = discovery.state().filter(({ problem, syncedAt }) => problem !== undefined || syncedAt === undefined);
    for (const { name, problem = 'no answer' } of failed) io.stderr.write(`bothways: ${name}: ${problem}\n`);
    return failed.length > 0 || remarks.some(({ origin }) => origin.startsWith('kubernetes[')) ? 1 : 0;
  },
});

type Args = {
  readonly config: readonly string[];
  readonly kind: readonly string[];
  readonly namespace: readonly string[];
  readonly selector?: string | undefined;
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
};

/** The list and its block, or what the flags say; `undefined` after saying what is wrong. */
const listAndSettings = async (
  { config, kind, namespace, selector, server, tokenFile, caFile }: Args,
  io: Io,
): Promise<{ readonly list: List; readonly settings: DiscoverSettings } | undefined> => {
  const flags =
    [kind, namespace].some(({ length }) => length > 0) || (selector ?? server ?? tokenFile ?? caFile) !== undefined;
  if (config.length > 0 && flags) {
    wrongUsage(io, 'write --config, or the flags that stand for its block discover, not both');
    return undefined;
  }
  if (config.length > 0) {
    const list = await openList(config, io);
    if (list === undefined) return undefined;
    const { discover: settings } = list.list;
    if (settings !== undefined) return { list: list.list, settings };
    wrongUsage(io, 'the list has no block `discover`');
    return undefined;
  }
  const read = discoverSettings.safeParse({
    kubernetes: [
      {
        kinds: kind.length > 0 ? kind : ['ingress', 'httproute'],
        max_targets: 100_000,
        ...(namespace.length === 0 ? {} : { namespaces: namespace }),
        ...(selector === undefined ? {} : { selector }),
        ...(server === undefined ? {} : { server }),
        ...(tokenFile === undefined ? {} : { token_file: tokenFile }),
        ...(caFile === undefined ? {} : { ca_file: caFile }),
      },
    ],
  });
  const loaded = loadValue({ vantages: { here: { kind: 'agent' } }, discover: {} }, { probers: proberTable });
  if (read.success && loaded.ok) return { list: loaded.list, settings: read.data };
  const [issue] = read.error?.issues ?? [];
  wrongUsage(
    io,
    `${issue?.path.at(2) === undefined ? '' : `--${String(issue.path[2]).replace('_', '-').replace(/s$/, '')}: `}${issue?.message}`,
  );
  return undefined;
};
