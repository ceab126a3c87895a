import { printable } from '../kernel/printable.ts';
import type { Output } from './command.ts';

/** The sequences that commands write themselves: colours, and those that draw a line or a table again. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
const ours = /(\u001b\[(?:\d{1,3}(?:;\d{1,3})*m|\d{0,3}A|J|2K)|[\n\t]|\r(?=\u001b\[2K))/;

/**
 * A stream that commands write to. Texts of peers and lists are made printable where they are taken; what has slipped through
 * does not reach a terminal either. Only the sequences that commands use themselves pass. Elsewhere the text is written as it is.
 */
export const terminalOutput = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => void stream.write(stream.isTTY === true ? forTerminal(text) : text),
  isTerminal: stream.isTTY === true,
  get columns() {
    return stream.columns || 80;
  },
});

/** Every second piece is one of ours. */
const forTerminal = (text: string): string =>
  text
    .split(ours)
    .map((piece, index) => (index % 2 === 1 ? piece : printable(piece)))
    .join('');
