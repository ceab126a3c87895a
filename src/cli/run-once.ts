import type { ListPart } from '../config/part.ts';
import { push } from '../delivery/push.ts';
import type { Check } from '../kernel/check.ts';
import type { Run } from '../kernel/run.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { openEngine } from '../net/icmp/open-engine.ts';
import { kit as makeKit } from '../net/kit.ts';
import { marks } from '../net/marks.ts';
import type { Prober } from '../net/prober.ts';
import { jsonText } from '../protocol/json-text.ts';
import { type Checked, checker } from '../run/checker.ts';
import { cpuShare } from '../run/cpu-share.ts';
import { catchEscapes } from '../run/escapes.ts';
import { madePoints } from '../run/made-points.ts';
import { pace } from '../run/pace.ts';
import { services } from '../run/services.ts';
import { sweep } from '../run/sweep.ts';
import { warmUp } from '../run/warm-up.ts';
import type { ExitCode, Io } from './command.ts';
import { escapePolicy } from './escape-policy.ts';
import { proberTable } from './open-list.ts';
import { paint } from './paint.ts';
import { bareUrl } from './plan-text.ts';
import { progress } from './progress.ts';
import { runData, runLines, type Verdict, verdictOf } from './report.ts';
import { type Pushed, type RunSummary, summaryData, summaryText, undelivered } from './run-summary.ts';

/** How a run over a list behaves. `deliveryMs` is how long to wait for the receivers after the last probe. */
export type RunOnceOptions = { readonly json: boolean; readonly deliveryMs: number };

/** How long the receivers get when somebody wants us to stop. */
const deliveryWhenStoppedMs = 10_000;

/** Probes the checks of a vantage once, pushes their samples, and reports run by run. Gives the exit code. */
export const runOnce = async (part: ListPart, options: RunOnceOptions, io: Io): Promise<ExitCode> => {
  const { vantage, endpoints, literals } = part;
  using _escapes = catchEscapes(escapePolicy(io));
  await using kit = makeKit({
    environment: io.environment,
    literals,
    engine: openEngine,
    askForCredentials: askAwsCommandLine,
  });
  const checks = await services(kit.resolver)(part.checks);
  await using stack = new AsyncDisposableStack();
  const pushes = endpoints.map((endpoint) => ({ endpoint, delivery: stack.use(push(endpoint, vantage.name, kit)) }));
  const tally: Record<Verdict, number> = { good: 0, failed: 0, void: 0 };
  let sampleCount = 0;
  using line = progress(io.stderr);
  const show = runPrinter(checks, options.json, io);
  const statusText = () => `${tally.good + tally.failed} of ${checks.length} probed, ${tally.failed} failed`;
  const onChecked = ({ run, prober, samples }: Checked) => {
    for (const { delivery } of pushes) delivery.add(samples);
    sampleCount += samples.length;
    tally[verdictOf(run)] += 1;
    line.clear();
    show(run, prober);
    line.show(statusText());
  };
  line.show(statusText());
  await warmUp(checks, proberTable, kit);
  const parts = { checker: checker({ probers: proberTable, kit, clock: marks() }), pace: pace({ share: cpuShare() }) };
  await sweep(checks, { ...parts, signal: io.signal, onChecked });
  line.clear();
  line.show('delivering …');
  const pushed = await flushAll(pushes, options.deliveryMs, io.signal);
  line.clear();
  const summary: RunSummary = { vantage: vantage.name, checks: checks.length, ...tally, samples: sampleCount, pushed };
  // For programs the summary is the last line of the answer; for people it is talk about it.
  if (options.json) io.stdout.write(`${jsonText({ summary: summaryData(summary) })}\n`);
  else io.stderr.write(summaryText(summary, paint(io.stderr, io.environment)));
  if (io.signal.aborted) return 130;
  return tally.failed > 0 || pushed.some(({ counts }) => undelivered(counts) > 0) ? 1 : 0;
};

const runPrinter = (checks: readonly Check[], json: boolean, io: Io) => {
  const width = Math.min(40, Math.max(0, ...checks.map(({ target }) => target.name.length)));
  const colours = paint(io.stdout, io.environment);
  return (run: Run, prober: Prober) => {
    const { points } = madePoints(run, prober, undefined);
    io.stdout.write(json ? `${jsonText(runData(run, points))}\n` : runLines(run, points, width, colours));
  };
};

type Push = {
  readonly endpoint: ListPart['endpoints'][number];
  readonly delivery: ReturnType<typeof push>;
};

/** Waits for all receivers together; whoever stops us shortens the wait, but does not end it. */
const flushAll = async (pushes: readonly Push[], deliveryMs: number, stopped: AbortSignal): Promise<Pushed[]> => {
  const limit = new AbortController();
  const timers = [setTimeout(() => limit.abort(), deliveryMs)];
  const hurry = () => timers.push(setTimeout(() => limit.abort(), deliveryWhenStoppedMs));
  if (stopped.aborted) hurry();
  else stopped.addEventListener('abort', hurry, { once: true });
  const pushed = await Promise.all(
    pushes.map(async ({ endpoint, delivery }) => ({
      name: endpoint.name,
      url: bareUrl(endpoint.settings.url),
      counts: await delivery.flush(limit.signal),
    })),
  );
  stopped.removeEventListener('abort', hurry);
  for (const timer of timers) clearTimeout(timer);
  return pushed;
};
