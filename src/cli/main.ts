import { commands } from './index.ts';
import { start } from './start.ts';

start(commands);
