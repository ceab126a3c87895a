import { jsonText } from '../protocol/json-text.ts';
import { nearest } from '../protocol/nearest.ts';
import { type Command, type ExitCode, type Io, wrongUsage } from './command.ts';
import { parseFlags } from './flags.ts';
import { overview, usage } from './usage.ts';

/**
 * Runs one command line: finds the command, reads its flags, runs it. Gives the exit code; never rejects for what a user wrote.
 */
export const bothways = async (
  words: readonly string[],
  io: Io,
  commands: readonly Command[],
  version: string,
): Promise<ExitCode> => {
  const [name, ...rest] = words;
  if (name === '--version' || name === '-v') return answer(io, `bothways ${version}\n`);
  if (name === '--help' || name === '-h' || (name === 'help' && rest.length === 0))
    return answer(io, overview(commands));
  if (name === undefined) {
    io.stderr.write(overview(commands));
    return 2;
  }
  if (name === 'help') return bothways([rest[0] ?? '', '--help'], io, commands, version);
  const command = commands.find((known) => known.name === name);
  if (command === undefined) return wrongUsage(io, unknownCommand(name, commands));
  if (asksForHelp(rest)) return answer(io, usage(command, io.stdout.columns));
  const parsed = parseFlags(command, rest);
  if (!parsed.ok) return wrongUsage(io, parsed.message);
  return command.run(parsed.args, io);
};

const answer = (io: Io, text: string): 0 => {
  io.stdout.write(text);
  return 0;
};

const asksForHelp = (words: readonly string[]) => {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h');
};

const unknownCommand = (name: string, commands: readonly Command[]): string => {
  const names = commands.map((command) => command.name);
  const meant = nearest(name, names);
  const advice = meant === undefined ? `write one of ${names.join(', ')}, or --help` : `did you mean ${meant}?`;
  return `unknown command ${jsonText(name)}; ${advice}`;
};
