import * as z from 'zod';
import type { Check, Target } from '../kernel/check.ts';
import { isPublicHost } from './hosts.ts';
import { targetLabelProblem } from './labels.ts';
import { quoted } from './problem.ts';
import { isLiteral, type References, referencesIn } from './references.ts';
import type { ProberTable } from './schema.ts';

/** What a check from a cluster is measured by. `allowed` is what {@link allowedFor} gives for the vantage. */
export type ClusterRules = {
  readonly cluster: string;
  readonly allowed: Allowed;
  readonly probers: ProberTable;
};

/** What checks from a cluster may have because a target that is written has it. */
export type Allowed = References & { readonly methods: ReadonlySet<string> };

/** The shortest interval of a target that a cluster publishes, in milliseconds. */
const shortestMs = 60_000;

/**
 * What targets of clusters may have: methods of targets that are written, secrets that targets which are written refer to and no receiver does, and files that the zip
 * has anyway, of which none is secret. Whoever may write a cluster's object chooses where its targets are, so all else would be a way
 * to have a function send its secrets anywhere.
 */
export const allowedFor = (written: readonly Pick<Check, 'module'>[], receivers: unknown): Allowed => {
  const ours = referencesIn(written.map(({ module }) => module.settings));
  const theirs = referencesIn(receivers);
  return {
    secrets: new Set([...ours.secrets].filter((one) => !isLiteral(one) && !theirs.secrets.has(one))),
    files: new Set([...ours.files, ...theirs.files]),
    methods: new Set(written.map(({ module }) => methodOf(module.settings))),
  };
};

/**
 * Why functions do not take a check from a cluster, in a sentence without secrets; `undefined` if they do. The agent that publishes
 * goes by the same rules, so that what is left out is said where it was found too.
 */
export const clusterCheckProblem = (check: Check, rules: ClusterRules): string | undefined =>
  nameProblem(check, rules.cluster) ??
  placeProblem(check, rules.probers) ??
  methodProblem(check, rules.allowed) ??
  referenceProblem(check, rules.allowed);

const nameProblem = ({ id, target: { name }, labels }: Check, cluster: string): string | undefined => {
  const start = `${cluster}/`;
  return name.startsWith(start) && id.startsWith(`${name}@`) && labels.name === name
    ? undefined
    : `its name does not begin with ${start}`;
};

const placeProblem = ({ target, module }: Check, probers: ProberTable): string | undefined => {
  const prober = Object.hasOwn(probers, module.prober) ? probers[module.prober] : undefined;
  if (prober === undefined) return `there is no prober ${quoted(module.prober)}`;
  if (prober.needs.length > 0) return `functions cannot probe by ${module.prober}`;
  const host = prober.locate(target.address)?.host;
  if (host === undefined || !isPublicHost(host)) return 'the world cannot reach its host';
  if (target.intervalMs < shortestMs) return 'its interval is below a minute';
  if (module.timeoutMs > target.intervalMs) return 'its time limit is longer than its interval';
  for (const label of Object.keys(target.labels)) {
    const problem = targetLabelProblem(label, prober);
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/** Methods that change nothing. */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** The method that a module asks by, as far as it has one. */
export const methodOf = (settings: unknown): string =>
  typeof settings === 'object' && settings !== null && 'method' in settings ? String(settings.method) || 'GET' : 'GET';

/** Other methods may change something at a host that the list's authors did not choose. */
const methodProblem = ({ module }: Check, { methods }: Allowed): string | undefined => {
  const method = methodOf(module.settings);
  return safeMethods.has(method) || methods.has(method)
    ? undefined
    : `it asks by ${method.slice(0, 20)}, and no target that is written for the outside does`;
};

const referenceProblem = ({ module }: Check, allowed: Allowed): string | undefined => {
  const { secrets, files } = referencesIn(module.settings);
  for (const one of secrets) {
    if (isLiteral(one)) return 'it has a secret that stands in the open in a list';
    if (!allowed.secrets.has(one)) return `it refers to ${one}, and no target that is written for the outside does`;
  }
  for (const one of files)
    if (!allowed.files.has(one)) return `it needs the file ${one}, which functions need not have`;
  return undefined;
};

/** Receivers refuse longer labels and more of them, and with them what else they are pushed with. `letters` holds for every text. */
export const most = { letters: 1_024, labels: 20 } as const;
const text = z.string().min(1).max(most.letters);
const labels = z.record(z.string().regex(/^(?!__)[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(most.letters));

const given = z.object({
  id: text,
  instance: text,
  target: z.object({
    name: text,
    address: text,
    side: z.literal('outside'),
    intervalMs: z.int().positive(),
    labels: labels.refine((all) => Object.keys(all).length <= most.labels),
    profile: z.enum(['lean', 'standard', 'full']),
    names: z.array(z.enum(['blackbox_exporter', 'network_exporter', 'bothways'])),
    quorum: z.union([z.enum(['majority', 'any', 'all', 'each']), z.int().positive()]),
    slo: z.object({ objective: z.number().gt(0).lt(1), windowMs: z.int().positive() }).optional(),
  }),
  module: z.object({ name: text, prober: text, timeoutMs: z.int().positive(), settings: z.unknown() }),
  vantage: z.object({ name: text }),
  labels,
});

/** A check as others wrote it, of the right shape and no more: its settings are not looked at, of its vantage there is the name. */
export type ShapedCheck = Pick<Check, 'id' | 'instance' | 'target' | 'module' | 'labels'> & {
  readonly vantage: { readonly name: string };
};

/** Reads a check that others wrote; `undefined` for what is none. */
export const shapedCheck = (value: unknown): ShapedCheck | undefined => {
  const read = given.safeParse(value);
  if (!read.success) return undefined;
  const { target, ...rest } = read.data;
  const { slo, ...plain } = target;
  const shaped: Target = { ...plain, ...(slo === undefined ? {} : { slo }) };
  return { ...rest, target: shaped };
};
