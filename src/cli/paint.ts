import type { Io, Output } from './command.ts';

/** Gives text its look on one stream: escape sequences on a terminal, the bare text elsewhere. */
export type Paint = {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly strong: (text: string) => string;
};

/**
 * Colours for an output: on a terminal, unless `NO_COLOR` is set to anything or `TERM` is `dumb`.
 * @see https://no-color.org
 */
export const paint = (output: Output, environment: Io['environment']): Paint => {
  const wanted = output.isTerminal && (environment.NO_COLOR ?? '') === '' && environment.TERM !== 'dumb';
  const style = (on: number, off: number) => (text: string) => (wanted ? `\u001b[${on}m${text}\u001b[${off}m` : text);
  return { good: style(32, 39), bad: style(31, 39), dim: style(2, 22), strong: style(1, 22) };
};

/** Seconds as people read them: `0.8 ms`, `41 ms`, `2.5 s`. */
export const secondsText = (seconds: number): string => {
  if (seconds >= 10) return `${seconds.toFixed(0)} s`;
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const ms = seconds * 1_000;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
};

/** `1 check`, `1,200 checks`. The commas are put by hand: the first `toLocaleString` of a process costs it 5 MB of ICU's tables. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${thousands(count)} ${count === 1 ? noun : plural}`;

/** A whole number with commas between thousands. */
export const thousands = (number: number): string => String(Math.round(number)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
