import * as z from 'zod';
import type { Prober } from '../net/prober.ts';
import { durationText } from '../net/settings.ts';
import { awsSettings, vpcSettings } from './aws.ts';
import {
  choices,
  defaults,
  groupDefaults,
  intervalText,
  shownText,
  sides,
  textWithoutControls,
  timeoutText,
} from './choices.ts';
import { discoverSettings } from './discover.ts';
import { endpointSchema } from './endpoint.ts';
import { labelsText } from './labels.ts';
import { markOverlay } from './shape.ts';

/** The table of probers; `src/probers/index.ts` is the real one. */
export type ProberTable = Readonly<Record<string, Prober>>;

/** The newest `version` of a list that this program reads. */
export const newestVersion = 1;

const vantage = z.strictObject({
  kind: z.enum(['lambda', 'agent']).describe('A scheduled function in a region, or a long-running process.'),
  region: z.string().min(1).optional().describe("Region of a Lambda vantage; the vantage's name if not set."),
  labels: labelsText.default({}).describe('Labels of all series from here; their names begin with `vantage_`.'),
  min_interval: intervalText
    .optional()
    .describe('Shortest interval allowed here; 1m for Lambda vantages, 1s for agents.'),
  private: z.enum(['allow', 'refuse']).default('refuse').describe('Whether private addresses may be probed from here.'),
  vpc: vpcSettings.optional().describe('Network of a Lambda vantage that probes private addresses or over IPv6.'),
});

const targetShape = {
  name: textWithoutControls.optional().describe('Unique name; host, port and path of the target if not set.'),
  target: textWithoutControls.describe('Address or URL to probe.'),
  module: z
    .string()
    .optional()
    .describe("Module to probe with; the first built-in one of the scheme's prober if not set."),
  side: z
    .enum(sides)
    .optional()
    .describe('What users see or what workloads depend on; follows from the host if not set.'),
  ...choices,
  instance: shownText.optional().describe('The label `instance`; the target as written if not set.'),
  link_local: z
    .enum(['allow', 'refuse'])
    .optional()
    .describe('Whether link-local addresses (169.254.0.0/16, fe80::/10) may be probed; refused if not set.'),
  slo: z
    .strictObject({
      objective: z.number().gt(0).lt(100).describe('Share of good runs, in percent.'),
      window: durationText.default('30d').describe('Time that the objective is about.'),
    })
    .optional()
    .describe('Service level objective.'),
  inside: z.array(z.string().min(1)).optional().describe('Names of the inside targets that this one stands on.'),
};

const alsoShape = {
  target: textWithoutControls.optional().describe('Address or URL; that of the target if not set.'),
  module: z.string().optional().describe('Module to probe with.'),
  instance: shownText.optional().describe('The label `instance`; the address as written if not set.'),
  interval: choices.interval,
  timeout: choices.timeout,
};

const moduleShape = {
  timeout: timeoutText.optional().describe('Upper bound of the time limit.'),
};

const listShape = {
  version: z.literal(newestVersion).default(newestVersion).describe('Version of this format.'),
  external_labels: labelsText.default({}).describe('Labels of all series, where nothing else sets them.'),
  budget: z
    .strictObject({
      usd: z.number().positive().optional().describe('Dollars a month.'),
      series: z.int().positive().optional().describe('Active series.'),
    })
    .optional()
    .describe('What a plan of this list may cost.'),
  ca_file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with authorities in PEM that probes and receivers are verified by as well, where a `tls_config` names none.',
    ),
  aws: awsSettings.optional().describe('What the stacks of Lambda vantages have in common.'),
  discover: discoverSettings.optional().describe('Where an agent finds more targets.'),
  vantages: z.record(z.string(), vantage).default({}).describe('Where probes run from, by name.'),
  remote_write: z.array(endpointSchema).default([]).describe("Where samples are pushed to, in Prometheus's words."),
  defaults: z
    .strictObject({
      outside: defaults.default({}).describe('For targets on the outside.'),
      inside: defaults.default({}).describe('For targets on the inside.'),
    })
    .prefault({})
    .describe('What targets have that say nothing else.'),
};

/** A row of `vantages`. */
export type VantageEntry = z.output<typeof vantage>;
/** A target in the long form; the overlays stand under the names of the probers. */
export type TargetEntry = z.output<z.ZodObject<typeof targetShape>> & {
  readonly also?: readonly (string | AlsoEntry)[];
};
/** A second check of a target. */
export type AlsoEntry = z.output<z.ZodObject<typeof alsoShape>>;
/** A row of `modules`; the settings stand under the names of the probers. */
type ModuleEntry = z.output<z.ZodObject<typeof moduleShape>> & { readonly prober: string };
/** A row of `groups`. */
export type GroupEntry = {
  readonly name?: string | undefined;
  readonly defaults: z.output<typeof groupDefaults>;
  readonly labels: Readonly<Record<string, string>>;
  readonly targets: readonly (string | TargetEntry)[];
};

/** A target list after load: defaults filled in, secrets as references. Plain data that its own schema accepts again. */
export type List = z.output<z.ZodObject<typeof listShape>> & {
  readonly modules: Readonly<Record<string, ModuleEntry>>;
  readonly targets: readonly (string | TargetEntry)[];
  readonly groups: readonly GroupEntry[];
};

const made = new WeakMap<ProberTable, z.ZodType<List>>();

/** The schema of a target list for a table of probers. It validates and fills in defaults, and transforms nothing. */
export const listSchema = (probers: ProberTable): z.ZodType<List> => {
  const before = made.get(probers);
  if (before !== undefined) return before;
  const rows = Object.entries(probers);
  const overlays = Object.fromEntries(rows.map(([name, { settings }]) => [name, overlay(name, settings).optional()]));
  const also = z.union([
    z.string().min(1).describe('A scheme, a URL, or the name of a module.'),
    z.strictObject({ ...alsoShape, ...overlays }),
  ]);
  const target = z.union([
    textWithoutControls.describe('Short form: a URL.'),
    z.strictObject({
      ...targetShape,
      also: z.array(also).optional().describe('More checks of the same place, under the same name.'),
      ...overlays,
    }),
  ]);
  const blocks = Object.fromEntries(
    rows.map(([name, { settings }]) => [name, settings.optional().describe(`Settings of the prober ${name}.`)]),
  );
  const module = z.strictObject({
    prober: z.enum(Object.keys(probers)).describe('The prober that this module is for.'),
    ...moduleShape,
    ...blocks,
  });
  const group = z.strictObject({
    name: z.string().min(1).optional().describe('For people.'),
    defaults: groupDefaults.default({}).describe('What the targets of this group have that say nothing else.'),
    labels: labelsText.default({}).describe('Labels of all targets of this group.'),
    targets: z.array(target).default([]).describe('The targets of this group.'),
  });
  const schema = z.strictObject({
    ...listShape,
    modules: z.record(z.string(), module).default({}).describe("Named settings, in blackbox_exporter's words."),
    targets: z.array(target).default([]).describe('What is probed.'),
    groups: z.array(group).default([]).describe('Targets that share defaults.'),
  });
  // safe: the static shapes are the same; only the blocks named after probers are left out of the type
  const typed = schema as unknown as z.ZodType<List>;
  made.set(probers, typed);
  return typed;
};

const overlay = (name: string, settings: z.ZodType) =>
  markOverlay(
    z
      .record(z.string(), z.unknown())
      .describe(`Lies over the module's settings of the prober ${name}, key by key; null takes a key away.`),
    settings,
  );

/** The block of an entry that is named after a prober. */
export const blockOf = (entry: object, prober: string): Readonly<Record<string, unknown>> | undefined => {
  // safe: only own keys are looked at, and the schema lets mappings alone stand there
  return Object.hasOwn(entry, prober)
    ? (entry as Readonly<Record<string, Record<string, unknown>>>)[prober]
    : undefined;
};
