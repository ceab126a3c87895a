import { code, page, table } from './markdown.ts';

type Reasons = Readonly<Record<string, { readonly means: string; readonly look: string }>>;

/** docs/reasons.md: every phase and every reason a probe can fail for, what it means and where to look first. */
export const reasonsPage = (phases: Readonly<Record<string, string>>, reasons: Reasons, metric: string): string =>
  page(
    '# Why a probe fails',
    `A failed probe says why: ${code(`${metric}{phase, reason}`)} is 1 while it fails, for at most two reasons at once. The sets are closed, and a name keeps its meaning across releases.`,
    `${code('bothways explain NAME')} says the same on the command line.`,
    '## Phases',
    'How far the probe had come.',
    table(
      ['Phase', 'What happens in it'],
      Object.entries(phases).map(([name, text]) => [code(name), text]),
    ),
    '## Reasons',
    table(
      ['Reason', 'What it means', 'Where to look first'],
      Object.entries(reasons).map(([name, { means, look }]) => [code(name), means, look]),
    ),
  );
