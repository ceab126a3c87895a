import { printable } from '../kernel/printable.ts';
import type { EscapePolicy } from '../run/escapes.ts';
import type { Io } from './command.ts';

/** A command that ends soon: an error of a run is printed to stderr with its check, any other ends the program as Node would. */
export const escapePolicy = ({ stderr }: Io): EscapePolicy => ({
  survives: () => false,
  onEscaped: ({ check, what }) => {
    const name = check === undefined ? '' : `${check.target.name}: `;
    stderr.write(`bothways: ${printable(`${name}an error escaped: ${what}; please report it`)}\n`);
  },
});
