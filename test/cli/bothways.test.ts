import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { type Command, defineCommand } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/index.ts';
import { durationText } from '../../src/net/settings.ts';
import { cli } from './console.ts';

let given: unknown;
const brew: Command = defineCommand({
  name: 'brew',
  summary: 'Brews what it is told.',
  positional: ['what'],
  args: z.strictObject({
    what: z.string().describe('What to brew.').meta({ value: 'WHAT' }),
    config: z.array(z.string()).default([]).describe('A list.').meta({ value: 'FILE' }),
    dryRun: z.boolean().default(false).describe('Only says what it would do.'),
    timeout: durationText.default('5s').describe('How long.').meta({ value: 'DURATION' }),
  }),
  examples: ['bothways brew tea'],
  run: async (args) => {
    given = args;
    return 0;
  },
});
const run = (...words: string[]) => cli(words, { commands: [brew] });

test('command line: flags become arguments with their defaults', async () => {
  assert.equal((await run('brew', 'tea')).code, 0);
  assert.deepEqual(given, { what: 'tea', config: [], dryRun: false, timeout: '5s' });
  await run('brew', '--config', 'a.yml', '--dry-run', 'tea', '--timeout=1m', '--config=b.yml');
  assert.deepEqual(given, { what: 'tea', config: ['a.yml', 'b.yml'], dryRun: true, timeout: '1m' });
  await run('brew', '--', '--tea');
  assert.deepEqual(given, { what: '--tea', config: [], dryRun: false, timeout: '5s' });
});

test('command line: wrong usage gives exit code 2, one line that says what to write, and nothing on stdout', async () => {
  const table: [words: string[], line: RegExp][] = [
    [['berw'], /unknown command "berw"; did you mean brew\?/],
    [['xyzzy'], /unknown command "xyzzy"; write one of brew, or --help/],
    [['brew'], /brew needs a WHAT: bothways brew WHAT/],
    [['brew', 'tea', '--dry'], /unknown option --dry;/],
    [['brew', 'tea', '--dryrun'], /unknown option --dryrun; did you mean --dry-run\?/],
    [['brew', 'tea', '-x'], /unknown option -x; write one of --config --dry-run --timeout --help/],
    [['brew', 'tea', '--dry-run=no'], /--dry-run takes no value/],
    [['brew', 'tea', '--timeout'], /--timeout needs a value: --timeout DURATION/],
    [['brew', 'tea', '--timeout='], /--timeout needs a value/],
    [['brew', 'tea', '--timeout', '--dry-run'], /--timeout needs a value/],
    [['brew', 'tea', '--timeout', '1s', '--timeout', '2s'], /--timeout is there twice; write it once/],
    [['brew', 'tea', '--timeout', 'soon'], /--timeout: not a duration; write for example 30s or 1m30s/],
    [['brew', 'tea', 'coffee'], /brew does not take "coffee"$/m],
    [['brew', 'tea', 'targets.yaml'], /brew does not take "targets\.yaml"; write --config targets\.yaml/],
    [['brew', 'tea', '--no-dry-run'], /unknown option --no-dry-run/],
    [['brew', 'tea', '--__proto__', 'x'], /unknown option --__proto__/],
  ];
  for (const [words, line] of table) {
    const { code, stdout, stderr } = await run(...words);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
    assert.match(stderr, line);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test('command line: no command at all shows the overview on stderr, with exit code 2', async () => {
  const { code, stdout, stderr } = await run();
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /Usage: bothways COMMAND/);
});

test('command line: --help is an answer, wherever it stands before --', async () => {
  for (const words of [['--help'], ['-h'], ['help']]) {
    const { code, stdout } = await run(...words);
    assert.equal(code, 0);
    assert.match(stdout, /brew {2}Brews what it is told\./);
  }
  for (const words of [
    ['brew', '--help'],
    ['brew', '--nonsense', '-h'],
    ['help', 'brew'],
  ]) {
    const { code, stdout } = await run(...words);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: bothways brew WHAT \[--config FILE\]… \[--dry-run\] \[--timeout DURATION\]$/m);
    assert.match(stdout, /--timeout DURATION {2}How long\. Default: 5s\./);
  }
});

test('command line: --version says the version', async () => {
  assert.deepEqual(await run('--version'), { code: 0, stdout: 'bothways 1.2.3\n', stderr: '' });
});

test('command line: usage texts keep to the width of the terminal', async () => {
  for (const { name } of commands) {
    const { stdout } = await cli([name, '--help'], { columns: 60 });
    for (const line of stdout.split('\n').filter((text) => !/^(Usage| {2}bothways)/.test(text)))
      assert.ok(line.length <= 76, line);
  }
});

test('command line: every command has a summary, examples that parse, and a description of each argument', async () => {
  for (const command of commands) {
    assert.match(command.summary, /^[A-Z].*\.$/);
    assert.ok(command.examples.length > 0);
    for (const [key, field] of Object.entries(command.args.shape))
      assert.match(z.toJSONSchema(field, { io: 'input' }).description ?? '', /\.$/, `${command.name} ${key}`);
    for (const example of command.examples) assert.ok(example.startsWith(`bothways ${command.name}`));
  }
});
