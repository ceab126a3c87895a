import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { listening } from './tcp.ts';

/** What a function answered to an event. */
export type Answered = { readonly kind: 'response' | 'error'; readonly body: Record<string, unknown> };

/** A function in a process of its own, fed by a stand-in for Lambda's Runtime API. */
export type RunningFunction = AsyncDisposable & {
  readonly pid: number;
  /** Sends an event with so many milliseconds to its deadline, and waits for the answer. */
  readonly invoke: (event: unknown, remainingMs: number) => Promise<Answered>;
  /** Resolves when the function first asks for an event; rejects with what it said if it cannot start. */
  readonly ready: () => Promise<void>;
  readonly initErrors: readonly Record<string, unknown>[];
  /** What it has written so far. */
  readonly output: () => string;
};

const loop = fileURLToPath(new URL('runtime-loop.mjs', import.meta.url));

/** Starts the function `handler` (as in `probe.handler`) of a folder. */
export const runFunction = async (
  root: string,
  handler: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningFunction> => {
  const first = Promise.withResolvers<void>();
  const answers = new Map<string, (answered: Answered) => void>();
  const initErrors: Record<string, unknown>[] = [];
  let waiting: ServerResponse | undefined;
  let serial = 0;
  const server = createServer(async (request, response) => {
    const [, , , what = '', id = '', kind] = (request.url ?? '').split('/');
    if (what === 'invocation' && id === 'next') {
      waiting = response;
      return first.resolve();
    }
    const body = JSON.parse((await text(request)) || 'null');
    response.writeHead(202).end();
    if (what === 'init') {
      initErrors.push(body);
      first.reject(new Error(String(body.errorMessage)));
    } else answers.get(id)?.({ kind: kind === 'error' ? 'error' : 'response', body });
  });
  const { port, [Symbol.asyncDispose]: close } = await listening(server);
  // The real client is compiled when it is installed; `npm run test:slow` has it do what else our loop does.
  const client = process.env.BOTHWAYS_RUNTIME_CLIENT;
  const child = spawn(process.execPath, client === undefined ? [loop] : [client, handler], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      TZ: ':UTC',
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      _HANDLER: handler,
      LAMBDA_TASK_ROOT: root,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_FUNCTION_NAME: 'probe',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_LEVEL: 'WARN',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/probe',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      ...environment,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = once(child, 'exit');
  void exited.then(() => first.reject(new Error(`ended: ${output}`)));
  first.promise.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ready: () => first.promise,
    initErrors,
    output: () => output,
    invoke: async (event, remainingMs) => {
      await first.promise;
      while (waiting === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
      const response = waiting;
      waiting = undefined;
      serial += 1;
      const id = `request-${serial}`;
      const answered = new Promise<Answered>((resolve) => answers.set(id, resolve));
      response.writeHead(200, {
        'Lambda-Runtime-Aws-Request-Id': id,
        'Content-Type': 'application/json',
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:eu-west-1:000000000000:function:probe',
        'Lambda-Runtime-Deadline-Ms': String(Date.now() + remainingMs),
      });
      response.end(JSON.stringify(event));
      return Promise.race([answered, exited.then(() => Promise.reject(new Error(`ended: ${output}`)))]);
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
      }
      await exited;
      await close();
    },
  };
};
