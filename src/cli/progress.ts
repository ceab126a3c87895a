import { printable } from '../kernel/printable.ts';
import type { Output } from './command.ts';

/** One line at the bottom of a terminal that is written over again and again; nothing at all elsewhere. */
export type Progress = Disposable & {
  /** Shows this line, at most ten times a second. */
  readonly show: (text: string) => void;
  /** Takes the line away, so that something else can be written; the next `show` brings it back. */
  readonly clear: () => void;
};

/** A progress line on `output`. `now` is monotonic milliseconds. */
export const progress = (output: Output, now: () => number = () => performance.now()): Progress => {
  let isShown = false;
  let shownAt = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (isShown) output.write('\r\u001b[2K');
    isShown = false;
  };
  const show = (text: string) => {
    if (!output.isTerminal || (isShown && now() - shownAt < 100)) return;
    output.write(`\r\u001b[2K${printable(text).slice(0, Math.max(0, output.columns - 1))}`);
    isShown = true;
    shownAt = now();
  };
  return { show, clear, [Symbol.dispose]: clear };
};
