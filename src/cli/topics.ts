import * as z from 'zod';
import { discoveryMetrics } from '../agent/discovery-metrics.ts';
import { doorMetrics } from '../agent/door-metrics.ts';
import { engineMetrics } from '../agent/engine-metrics.ts';
import { networkExporterMetrics } from '../agent/network-exporter.ts';
import { selfMetrics } from '../agent/self-metrics.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Topic } from '../generate/topic.ts';
import type { Metric } from '../kernel/metric.ts';
import { phases, reasons } from '../kernel/reason.ts';
import { clusterMetrics } from '../lambda/cluster-metrics.ts';
import { runMetrics } from '../lambda/run-metrics.ts';
import type { Prober } from '../net/prober.ts';
import { everyRun } from '../run/every-run.ts';
import { heartbeatMetrics, listMetrics } from '../run/list-series.ts';
import { listStateMetrics } from '../run/list-state.ts';

/** Everything that can be explained, from the tables: reasons, phases, metrics, probers, their modules and their keys. */
export const topicsOf = (probers: ProberTable): readonly Topic[] => {
  const shared: readonly (readonly [string, Readonly<Record<string, Metric>>])[] = [
    ['every prober', everyRun],
    ['the list, with every run', listMetrics],
    ['every vantage and shard', heartbeatMetrics],
    ['every agent, and every run of a function', listStateMetrics],
    ['every run of a function', runMetrics],
    ['every run of a function that listens to clusters', clusterMetrics],
    ['the agent', selfMetrics],
    ['the agent, with --listen', doorMetrics],
    ['the agent, once it has sent packets', engineMetrics],
    ['the agent, for each block of `discover`', discoveryMetrics],
    ['the agent, for targets with these names', networkExporterMetrics],
  ];
  const metrics = new Map<Metric, string[]>(
    shared.flatMap(([from, table]) => Object.values(table).map((metric): [Metric, string[]] => [metric, [from]])),
  );
  for (const [name, { metrics: own }] of Object.entries(probers))
    for (const metric of Object.values(own)) metrics.set(metric, [...(metrics.get(metric) ?? []), name]);
  return [
    ...Object.entries(reasons).map(([name, entry]) => reasonTopic(name, entry)),
    ...Object.entries(phases).map(
      ([name, text]): Topic => ({ kind: 'phase', name, text, rows: [['Found in', everyRun.failureInfo.name]] }),
    ),
    ...[...metrics].map(([metric, from]) => metricTopic(metric, from)),
    ...Object.entries(probers).flatMap(([name, prober]) => [
      proberTopic(name, prober),
      ...moduleTopics(name, prober),
      ...keyTopics(name, prober),
    ]),
  ];
};

const reasonTopic = (name: string, { means, look }: { means: string; look: string }): Topic => ({
  kind: 'reason',
  name,
  text: means,
  rows: [
    ['Look at', look],
    ['Query', `${everyRun.failureInfo.name}{reason="${name}"}`],
  ],
});

const metricTopic = (metric: Metric, from: readonly string[]): Topic => ({
  kind: 'metric',
  name: metric.name,
  text: metric.help,
  rows: [
    ['Type', metric.type],
    ['From', from.join(', ')],
    ['Profile', metric.profile === 'full' ? 'full' : `${metric.profile} and larger ones`],
    ['Named by', metric.dialect],
    ...Object.entries(metric.labels).flatMap(([label, values]): [string, string][] =>
      typeof values === 'string'
        ? [[`{${label}}`, values]]
        : Object.entries(values).map(([value, meaning]) => [`{${label}="${value}"}`, meaning]),
    ),
  ],
});

const proberTopic = (name: string, { summary, schemes, modules, metrics, settings }: Prober): Topic => ({
  kind: 'prober',
  name,
  text: summary,
  rows: [
    ['Targets', schemes.map((scheme) => `${scheme}://…`).join(', ')],
    ['Modules', `${Object.keys(modules).join(', ')} (the first is used by targets that name none)`],
    ['Keys', Object.keys(propertiesOf(jsonOf(settings))).join(', ')],
    [
      'Metrics',
      Object.values(metrics)
        .map((metric) => metric.name)
        .join(', '),
    ],
  ],
});

const moduleTopics = (prober: string, { modules }: Prober): Topic[] =>
  Object.entries(modules).map(([name, settings]) => ({
    kind: 'module',
    name,
    text: `A built-in module of the prober ${prober}.`,
    rows: [['Settings', JSON.stringify(settings)]],
  }));

const keyTopics = (prober: string, { settings }: Prober): Topic[] => {
  const topics: Topic[] = [];
  const visit = (schema: Json, path: string) => {
    for (const [key, property] of Object.entries(propertiesOf(schema))) {
      const at = `${path}.${key}`;
      topics.push({
        kind: 'key',
        name: at,
        text: property.description ?? 'See the keys in it.',
        rows: rowsOf(property),
      });
      visit(property, at);
    }
  };
  visit(jsonOf(settings), prober);
  return topics;
};

type Json = z.core.JSONSchema.BaseSchema;

const jsonOf = (schema: z.ZodType): Json =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });

/** Keys of an object, or of the objects in a list. */
const propertiesOf = (schema: Json): Record<string, Json> => {
  const items = schema.items !== undefined && !Array.isArray(schema.items) ? schema.items : undefined;
  const properties = schema.properties ?? (typeof items === 'object' ? items.properties : undefined) ?? {};
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, Json] => typeof entry[1] === 'object'),
  );
};

const rowsOf = (property: Json): [string, string][] => {
  const rows: [string, string][] = [];
  if (property.type !== undefined) rows.push(['Type', String(property.type)]);
  if (property.enum !== undefined) rows.push(['One of', property.enum.map(String).join(', ')]);
  if (property.default !== undefined) rows.push(['Default', JSON.stringify(property.default)]);
  return rows;
};
