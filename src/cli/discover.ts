import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { type DiscoverSettings, discoverSettings, kubernetesKinds } from '../config/discover.ts';
import { listText } from '../config/list-text.ts';
import { loadValue } from '../config/load.ts';
import type { List } from '../config/schema.ts';
import { type BlockState, type Discovery, openDiscovery } from '../discover/discovery.ts';
import { groupsOfSide } from '../discover/public-list.ts';
import { parseDuration } from '../kernel/duration.ts';
import { printable } from '../kernel/printable.ts';
import { kit as makeKit } from '../net/kit.ts';
import { placeInCluster } from '../net/kubernetes/api.ts';
import { timerText } from '../net/settings.ts';
import { jsonText } from '../protocol/json-text.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { openList, proberTable } from './open-list.ts';

/** `bothways discover`: what a cluster has for the outside to probe. */
export const discover = defineCommand({
  name: 'discover',
  summary: 'Prints what a cluster has to probe from outside, as a target list.',
  details:
    'Reads the objects once, by the block `discover` of a list or by flags, and prints the hosts that the world can reach, ready for a pull request. Names and addresses that only the cluster knows are left out unless --side inside asks for them. Prints nothing unless all could be read; --output keeps the file that is there then.',
  positional: [],
  args: z.strictObject({
    config: z.array(z.string()).default([]).describe('A list with a block `discover`.').meta({ value: 'FILE' }),
    kind: z
      .array(z.enum(kubernetesKinds, { error: `write one of ${kubernetesKinds.join(', ')}` }))
      .default([])
      .describe('Kinds of objects; ingress and httproute if there is no list.')
      .meta({ value: 'KIND' }),
    namespace: z.array(z.string()).default([]).describe('Only in this namespace.').meta({ value: 'NAME' }),
    gatewayNamespace: z
      .array(z.string())
      .default([])
      .describe('Where the Gateways of routes are, if elsewhere.')
      .meta({ value: 'NAME' }),
    ingressClass: z.array(z.string()).default([]).describe('Only Ingresses of this class.').meta({ value: 'NAME' }),
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
    wait: timerText.default('10s').describe('For how long a source that cannot be read is tried again.'),
    output: z.string().optional().describe('Writes the list there, whole or not at all.').meta({ value: 'FILE' }),
    json: z.boolean().default(false).describe('Prints the list as JSON.'),
  }),
  examples: [
    'bothways discover --namespace shop --output targets/shop.yml',
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
    await heardOfAll(discovery, AbortSignal.any([io.signal, AbortSignal.timeout(parseDuration(args.wait) ?? 0)]));
    if (io.signal.aborted) return 130;
    const { groups, remarks, above } = discovery.compile(list);
    for (const { origin, why } of remarks) io.stderr.write(`warning: ${printable(`${origin}: ${why}`)}\n`);
    for (const [name, count] of above)
      io.stderr.write(`warning: ${name}: ${count} targets are left out, since there are more than may be\n`);
    const failed = discovery.state().filter((state) => !isHeardOf(state));
    for (const { name, problem = 'no answer' } of failed) io.stderr.write(`bothways: ${name}: ${printable(problem)}\n`);
    if (failed.length > 0 || remarks.some(({ origin }) => origin.startsWith('kubernetes['))) return 1;
    const found = groupsOfSide(groups(), args.side);
    const written = { version: 1 as const, groups: found.map(({ name: _, ...group }) => group) };
    // safe: what is left out of a list is what it does not need
    const text = args.json ? `${jsonText(written)}\n` : listText(written as unknown as List);
    return writeOut(text, args.output, io);
  },
});

const isHeardOf = ({ problem, syncedAt }: BlockState): boolean => problem === undefined && syncedAt !== undefined;

/** Waits until all sources could be read, or until the signal fires. */
const heardOfAll = async (discovery: Discovery, ended: AbortSignal): Promise<void> => {
  while (!ended.aborted && !discovery.state().every(isHeardOf))
    await wait(50, undefined, { signal: ended }).catch(() => {});
};

/** Writes to the file, at once or not at all, or to stdout. */
const writeOut = async (text: string, file: string | undefined, io: Io): Promise<ExitCode> => {
  if (file === undefined) {
    io.stdout.write(text);
    return 0;
  }
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(unfinished, text);
    await rename(unfinished, file);
    return 0;
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    io.stderr.write(`bothways: ${file} cannot be written: ${code}\n`);
    return 1;
  }
};

type Args = {
  readonly config: readonly string[];
  readonly kind: readonly string[];
  readonly namespace: readonly string[];
  readonly gatewayNamespace: readonly string[];
  readonly ingressClass: readonly string[];
  readonly selector?: string | undefined;
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
};

/** The list and its block, or what the flags say; `undefined` after saying what is wrong. */
const listAndSettings = async (
  { config, kind, namespace, gatewayNamespace, ingressClass, selector, server, tokenFile, caFile }: Args,
  io: Io,
): Promise<{ readonly list: List; readonly settings: DiscoverSettings } | undefined> => {
  const flags =
    [kind, namespace, gatewayNamespace, ingressClass].some(({ length }) => length > 0) ||
    (selector ?? server ?? tokenFile ?? caFile) !== undefined;
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
        // What a person reads is not to be cut.
        max_targets_per_namespace: 100_000,
        ...(namespace.length === 0 ? {} : { namespaces: namespace }),
        ...(gatewayNamespace.length === 0 ? {} : { gateway_namespaces: gatewayNamespace }),
        ...(ingressClass.length === 0 ? {} : { ingress_classes: ingressClass }),
        ...(selector === undefined ? {} : { selector }),
        ...(server === undefined ? {} : { server }),
        ...(tokenFile === undefined ? {} : { token_file: tokenFile }),
        ...(caFile === undefined ? {} : { ca_file: caFile }),
      },
    ],
  });
  const loaded = loadValue({ vantages: { here: { kind: 'agent' } }, discover: {} }, { probers: proberTable });
  if (read.success && server === undefined && placeInCluster(io.environment) === undefined) {
    wrongUsage(io, 'this is no pod of a cluster; write --server URL, for example that of `kubectl proxy`');
    return undefined;
  }
  if (read.success && loaded.ok) return { list: loaded.list, settings: read.data };
  const [issue] = read.error?.issues ?? [];
  wrongUsage(
    io,
    `${issue?.path.at(2) === undefined ? '' : `--${String(issue.path[2]).replace('_', '-').replace(/s$/, '')}: `}${issue?.message}`,
  );
  return undefined;
};
