import { type Command, exitCodes } from './command.ts';
import { type Flag, flagsOf, usageLine } from './flags.ts';

/** The text of `bothways --help`: every command with its summary. */
export const overview = (commands: readonly Command[]): string => {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Bothways probes your services from outside and inside, and pushes what it finds to Prometheus.',
    '',
    'Usage: bothways COMMAND [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    '`bothways COMMAND --help` says more of a command, `bothways --version` which version this is.',
    'Exit codes:',
    ...Object.entries(exitCodes).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`),
    '',
  ].join('\n');
};

/** The text of `bothways COMMAND --help`, no line wider than `columns` where words allow. */
export const usage = (command: Command, columns: number): string => {
  const { flags, positional } = flagsOf(command);
  const rows = [
    ...positional.map((flag): [string, string] => [flag.value ?? '', helpOf(flag)]),
    ...flags.map((flag): [string, string] => [headOf(flag), helpOf(flag)]),
    ['--help', 'Shows this text.'] as const,
  ];
  const width = Math.max(...rows.map(([head]) => head.length));
  const room = Math.max(30, Math.min(columns, 100) - width - 4);
  const lines = rows.flatMap(([head, help]) =>
    wrap(help, room).map((line, index) => `  ${(index === 0 ? head : '').padEnd(width)}  ${line}`),
  );
  return [
    `Usage: ${usageLine(command)}`,
    '',
    ...wrap([command.summary, command.details ?? ''].join(' ').trim(), Math.min(columns, 100)),
    '',
    ...lines,
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
};

const headOf = ({ flag, value }: Flag) => (value === undefined ? flag : `${flag} ${value}`);

const helpOf = ({ help, isList, standard }: Flag) =>
  [help, isList ? 'May be repeated.' : '', standard === undefined ? '' : `Default: ${standard}.`]
    .filter((part) => part !== '')
    .join(' ');

const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};
