import { agent } from './agent.ts';
import { start } from './start.ts';

// What an installed `bothways agent` runs: an agent lives long beside others, and what it never uses would stay in memory.
start([agent]);
