import type { Command } from './command.ts';
import { explain } from './explain.ts';

/** THE table of commands: usage texts, documentation and the command line itself are made from it. */
export const commands: readonly Command[] = [explain];
