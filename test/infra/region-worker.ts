import { answering } from '../lab/worker.ts';
import { runFunction } from '../servers/runtime-api.ts';

// A region: the packaged function under a stand-in for the Runtime API. Arguments: its folder, its environment as JSON. Questions are
// an event and the milliseconds to its deadline; the answer is the function's, with all that it has written.

const [, , folder = '', environment = '{}'] = process.argv;
await using running = await runFunction(folder, 'probe.handler', JSON.parse(environment));
await answering(async ({ event, remainingMs }) => ({
  ...(await running.invoke(event, Number(remainingMs))),
  output: running.output(),
}));
