import { version } from '../kernel/version.ts';
import { bothways } from './bothways.ts';
import type { Command, Io } from './command.ts';
import { terminalOutput } from './terminal-output.ts';

/** Runs the command line of this process with the commands that it may have. Sets the exit code; never rejects. */
export const start = (commands: readonly Command[]): void => {
  /** The first Ctrl-C asks for an orderly end, a second one ends at once. */
  const stop = new AbortController();
  let stoppedAt = 0;
  const onSignal = () => {
    if (!stop.signal.aborted) {
      stop.abort();
      stoppedAt = performance.now();
      return;
    }
    // A terminal, npm and our own launcher all pass on the same Ctrl-C; within a moment it is still the first one.
    if (performance.now() - stoppedAt > 300) process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  // Who reads us may leave early (`| head`): then there is nobody to write for, and what runs comes to its orderly end.
  process.stdout.on('error', () => stop.abort());
  process.stderr.on('error', () => {});

  const io: Io = {
    stdout: terminalOutput(process.stdout),
    stderr: terminalOutput(process.stderr),
    environment: process.env,
    signal: stop.signal,
    onHangup: (listener) => void process.on('SIGHUP', listener),
  };

  void bothways(process.argv.slice(2), io, commands, version).then((code) => {
    process.exitCode = code;
  });
};
