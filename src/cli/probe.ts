import * as z from 'zod';
import type { Check } from '../kernel/check.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { openEngine } from '../net/icmp/open-engine.ts';
import { kit as makeKit } from '../net/kit.ts';
import { marks } from '../net/marks.ts';
import { timerText } from '../net/settings.ts';
import { exposition } from '../protocol/exposition.ts';
import { jsonText } from '../protocol/json-text.ts';
import { catchEscapes } from '../run/escapes.ts';
import { execute } from '../run/execute.ts';
import { type Made, madePoints } from '../run/made-points.ts';
import { peerLabels } from '../run/peer-labels.ts';
import { samplesOf, seriesTable } from '../run/samples.ts';
import { services } from '../run/services.ts';
import { warmUp } from '../run/warm-up.ts';
import { adHocChecks } from './ad-hoc.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { escapePolicy } from './escape-policy.ts';
import { openList, proberTable } from './open-list.ts';
import { type Paint, paint } from './paint.ts';
import { progress } from './progress.ts';
import { runData, verdictOf } from './report.ts';
import { runReport } from './run-report.ts';

const rows = Object.values(proberTable);
const schemes = rows.flatMap((prober) => prober.schemes.map((scheme) => `${scheme}://`)).join(', ');
const modules = rows.map((prober) => Object.keys(prober.modules)[0]).join(', ');

/** `bothways probe TARGET`: probes one target now and says what came of it. */
export const probe = defineCommand({
  name: 'probe',
  summary: 'Probes one target now and says what came of it.',
  details: `The target is a URL (${schemes}) or, with --config, the name of a target in that list. Nothing is pushed. The exit code is 1 if the probe failed.`,
  positional: ['target'],
  args: z.strictObject({
    target: z.string().min(1, 'write a URL').describe('What to probe.').meta({ value: 'TARGET' }),
    module: z
      .string()
      .optional()
      .describe(`Module to probe with: a built-in one (${modules}, …) or one of the list.`)
      .meta({ value: 'NAME' }),
    config: z
      .array(z.string())
      .default([])
      .describe('A target list to take modules and targets from.')
      .meta({ value: 'FILE' }),
    timeout: timerText
      .optional()
      .describe("Time limit; the module's own is an upper bound. 10s if neither says one.")
      .meta({ value: 'DURATION' }),
    metrics: z.boolean().default(false).describe("Prints the metrics in Prometheus's text format."),
    json: z.boolean().default(false).describe('Prints a JSON object.'),
    linkLocal: z.boolean().default(false).describe('Allows link-local addresses for a target that is not in a list.'),
    debug: z.boolean().default(false).describe('Adds the record of what happened, step by step.'),
  }),
  examples: [
    'bothways probe https://www.example.com',
    'bothways probe db.example.com:5432 --module tcp_connect --timeout 2s',
    'bothways probe shop --config targets.yaml --debug',
  ],
  run: async (args, io) => {
    if (args.metrics && args.json) return wrongUsage(io, '--metrics and --json are two forms of the answer; write one');
    const list = args.config.length === 0 ? undefined : await openList(args.config, io);
    if (list === undefined && args.config.length > 0) return 2;
    const found = adHocChecks(args, list, proberTable);
    if (!found.ok) {
      for (const message of found.messages) wrongUsage(io, message);
      return 2;
    }
    using _escapes = catchEscapes(escapePolicy(io));
    await using kit = makeKit({
      environment: io.environment,
      literals: found.literals,
      engine: openEngine,
      askForCredentials: askAwsCommandLine,
    });
    const checks = await services(kit.resolver)(found.checks);
    await warmUp(checks, proberTable, kit);
    const clock = marks();
    let code: ExitCode = 0;
    for (const check of checks) {
      const prober = proberTable[check.module.prober];
      if (prober === undefined) continue;
      using line = progress(io.stderr);
      line.show(`probing ${check.instance} …`);
      const ended = await execute(check, prober, kit, { clock, signal: io.signal });
      const made = madePoints(ended, prober, undefined);
      const { run } = made;
      line.clear();
      io.stdout.write(answer(made, args, paint(io.stdout, io.environment), io));
      if (run.outcome.void === 'stopped') return 130;
      if (verdictOf(run) !== 'good') code = 1;
    }
    return code;
  },
});

type Form = { readonly metrics: boolean; readonly json: boolean; readonly debug: boolean };

const answer = ({ run, points }: Made, { metrics, json, debug }: Form, colours: Paint, io: Io): string => {
  if (json) {
    const values = points.map(({ metric, labels, value }) => ({
      name: metric.name,
      labels: peerLabels(labels),
      value,
    }));
    return `${jsonText({ ...runData(run, points), metrics: values, ...(debug && { trace: run.trace }) })}\n`;
  }
  if (!metrics) return runReport(run, points, { columns: io.stdout.columns, paint: colours, debug });
  const trace = debug ? run.trace.map((event) => `# ${jsonText(event)}\n`).join('') : '';
  return `${trace}${exposition(samplesOf(run, { points: () => points }, seriesTable(withoutLabels(run.check))))}`;
};

/** As an exporter would answer: the labels that say which target and from where are the scraper's. */
const withoutLabels = (check: Check): Check => ({ ...check, labels: {} });
