import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { commands } from '../src/cli/index.ts';
import { topicsOf } from '../src/cli/topics.ts';
import { overview, usage } from '../src/cli/usage.ts';
import { jsonSchema } from '../src/config/json-schema.ts';
import { commandsPage } from '../src/generate/commands-page.ts';
import { httpAnswersPage } from '../src/generate/http-answers-page.ts';
import { metricsPage } from '../src/generate/metrics-page.ts';
import { probersPage } from '../src/generate/probers-page.ts';
import { reasonsPage } from '../src/generate/reasons-page.ts';
import { sharedSchema } from '../src/generate/shared-schema.ts';
import { phases, reasons } from '../src/kernel/reason.ts';
import { probers } from '../src/probers/index.ts';
import { everyRun } from '../src/run/every-run.ts';
import { httpAnswers, judges } from '../test/judges/http-answers.ts';
import { http2Answers } from '../test/judges/http2-answers.ts';

/**
 * `npm run generate`: writes what is made from tables. With `--check` it writes nothing, names the files that differ, and
 * exits 1 if there are any.
 */
const topics = topicsOf(probers);
const files: Readonly<Record<string, string>> = {
  'docs/reasons.md': reasonsPage(phases, reasons, everyRun.failureInfo.name),
  'docs/metrics.md': metricsPage(topics),
  'docs/probers.md': probersPage(topics),
  'docs/http-answers.md': httpAnswersPage(httpAnswers, http2Answers, judges),
  'docs/commands.md': commandsPage(
    overview(commands),
    commands.map((command) => ({ name: command.name, usage: usage(command, 80) })),
  ),
  'docs/bothways.schema.json': `${JSON.stringify(sharedSchema(jsonSchema(probers)), null, 2)}\n`,
};

const isCheck = process.argv.includes('--check');
for (const [file, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  if ((await readFile(path, 'utf8').catch(() => '')) === text) continue;
  if (!isCheck) await writeFile(path, text);
  console.log(isCheck ? `${file} is not what the tables say; run npm run generate` : `${file} written`);
  if (isCheck) process.exitCode = 1;
}
