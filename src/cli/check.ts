import * as z from 'zod';
import { load } from '../config/load.ts';
import { problemText } from '../config/problem.ts';
import { formatDuration } from '../kernel/duration.ts';
import { jsonText } from '../protocol/json-text.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { wrongInAnyStage } from './deploy.ts';
import { type OpenList, openList, proberTable } from './open-list.ts';
import { counted } from './paint.ts';
import { columns } from './plan-text.ts';
import { listFlag, noList, usualConfig } from './usual-config.ts';

/** `bothways check`: says what is wrong with a list, or sums it up. */
export const check = defineCommand({
  name: 'check',
  summary: 'Says what is wrong with a target list, or sums it up.',
  details:
    'Nothing is probed and nothing is sent. Problems go to stderr with file, line and path, and the exit code is 2.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    json: z.boolean().default(false).describe('Prints one JSON object: ok, problems, warnings, checks per vantage.'),
  }),
  examples: ['bothways check --config targets.yaml', 'bothways check --config targets/ --json'],
  run: async ({ config, json }, io) => {
    if (json) {
      const paths = usualConfig(config);
      if (paths.length === 0) return wrongUsage(io, noList);
      const loaded = await load(paths, { probers: proberTable, environment: io.environment });
      const data = loadedData(loaded);
      io.stdout.write(`${jsonText(data)}\n`);
      return data.ok ? 0 : 2;
    }
    const list = await openList(config, io);
    if (list === undefined) return 2;
    const wrong = wrongInAnyStage(list);
    if (wrong !== undefined) return wrongUsage(io, wrong);
    io.stdout.write(summary(list));
    return 0;
  },
});

const loadedData = (loaded: Awaited<ReturnType<typeof load>>) => {
  if (!loaded.ok) return { ok: false, problems: loaded.problems.map(withText), more: loaded.more };
  const { list, warnings, compiled } = loaded;
  const { checks, vantages } = compiled;
  const wrong = wrongInAnyStage({ list, ...compiled });
  if (wrong !== undefined)
    return { ok: false, problems: [withText({ file: '', line: 0, path: '', message: wrong })], more: 0 };
  return {
    ok: true,
    warnings: warnings.map(withText),
    checks: Object.fromEntries(
      vantages.map(({ name }) => [name, checks.filter(({ vantage }) => vantage.name === name).length]),
    ),
  };
};

const withText = (problem: Parameters<typeof problemText>[0]) => ({ ...problem, text: problemText(problem) });

const summary = ({ checks, vantages, endpoints, warnings }: OpenList): string => {
  const rows = vantages.map(({ name, kind }) => {
    const own = checks.filter(({ vantage }) => vantage.name === name);
    const receivers = endpoints.filter(({ from }) => from.includes(name)).length;
    return [name, kind, counted(own.length, 'check'), byProber(own), shortest(own), counted(receivers, 'receiver')];
  });
  const targets = new Set(checks.map(({ target }) => target.name)).size;
  const total = `${counted(targets, 'target')}, ${counted(checks.length, 'check')}, ${counted(endpoints.length, 'receiver')}`;
  const end =
    warnings.length === 0 ? 'The list is sound' : `The list can be used, with ${counted(warnings.length, 'warning')}`;
  return [...columns(rows), `${end}: ${total}.`].map((line) => `${line}\n`).join('');
};

const byProber = (checks: OpenList['checks']): string => {
  const counts = new Map<string, number>();
  for (const { module } of checks) counts.set(module.prober, (counts.get(module.prober) ?? 0) + 1);
  return [...counts].map(([prober, count]) => `${prober} ${count}`).join(', ');
};

const shortest = (checks: OpenList['checks']): string => {
  const intervals = checks.map(({ target }) => target.intervalMs);
  return intervals.length === 0 ? '' : `interval from ${formatDuration(intervals.reduce((a, b) => Math.min(a, b)))}`;
};
