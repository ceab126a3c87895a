import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Figure, figureOf } from './figure.ts';
import type { folder } from './world.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** How long a plan of so many targets may take, and how long when it compares them with those before. */
const bars = { targets: 10_000, seconds: 2 };

/** Plans a large list in each round, in a process of its own: alone, and compared with one that differs in every 500th target. */
export const planFigures = async (
  files: Awaited<ReturnType<typeof folder>>,
  rounds: number,
): Promise<readonly Figure[]> => {
  const before = await files.write('plan-before.yml', list('/healthz'));
  const now = await files.write('plan-now.yml', list('/ready'));
  const [alone, compared]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    alone.push((await secondsOf(['--config', now])) / bars.seconds);
    compared.push((await secondsOf(['--config', now, '--from', before])) / bars.seconds);
  }
  const note = `of ${bars.seconds} s for ${bars.targets} targets at two vantages, from the sources`;
  return [figureOf('plan-10000', alone, 1, note), figureOf('plan-10000-from', compared, 1, note)];
};

const secondsOf = async (words: readonly string[]): Promise<number> => {
  const start = performance.now();
  await run(process.execPath, [main, 'plan', ...words]);
  return (performance.now() - start) / 1_000;
};

const list = (path: string): string => {
  const targets = Array.from({ length: bars.targets }, (_, index) => {
    const where = index % 500 === 0 ? path : '/healthz';
    return `  - { name: web-${index}, target: "https://www${index}.example.com${where}", labels: { team: t${index % 50} } }\n`;
  });
  return `vantages: { eu-west-1: { kind: lambda }, us-east-1: { kind: lambda } }
remote_write: [{ url: "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write" }]
targets:
${targets.join('')}`;
};
