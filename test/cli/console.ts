import { bothways } from '../../src/cli/bothways.ts';
import type { Io } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/index.ts';

type Options = {
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly environment?: Io['environment'];
  readonly signal?: AbortSignal;
  readonly commands?: typeof commands;
};

/** Streams that keep what is written to them. */
export const capture = (options: Options = {}) => {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTerminal: options.isTerminal ?? false,
    columns: options.columns ?? 80,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment: options.environment ?? {},
    signal: options.signal ?? new AbortController().signal,
    onHangup: () => {},
  };
  return { io, written };
};

/** Runs a command line in this process. */
export const cli = async (words: readonly string[], options: Options = {}) => {
  const { io, written } = capture(options);
  const code = await bothways(words, io, options.commands ?? commands, '1.2.3');
  return { code, ...written };
};
