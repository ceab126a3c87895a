// The loop of a Lambda runtime: loads the handler that _HANDLER names from LAMBDA_TASK_ROOT and serves it from the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const { AWS_LAMBDA_RUNTIME_API: host, _HANDLER: wanted = '', LAMBDA_TASK_ROOT: root } = process.env;
const api = (path, body) =>
  fetch(
    `http://${host}/2018-06-01/runtime/${path}`,
    body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
  );
const errorOf = (error) => ({ errorType: error?.name ?? 'Error', errorMessage: String(error?.message ?? error) });

// What is logged in JSON, and from which level on, is said by the function's settings; the runtime makes the lines.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const { AWS_LAMBDA_LOG_FORMAT: format, AWS_LAMBDA_LOG_LEVEL: least = 'trace' } = process.env;
let requestId;
if (format === 'JSON') {
  for (const [index, level] of levels.entries())
    console[level] = (message) => {
      if (index < levels.indexOf(least.toLowerCase())) return;
      const line = { timestamp: new Date().toISOString(), level: level.toUpperCase(), requestId, message };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    };
  console.log = console.info;
}

const [file, name] = wanted.split('.');
const { [name]: handler } = await import(`${root}/${file}.mjs`).catch(async (error) => {
  await api('init/error', errorOf(error));
  process.exit(1);
});
for (;;) {
  const next = await api('invocation/next');
  if (next.status !== 200) process.exit(0);
  const id = next.headers.get('lambda-runtime-aws-request-id');
  requestId = id;
  const end = Number(next.headers.get('lambda-runtime-deadline-ms'));
  const context = { awsRequestId: id, getRemainingTimeInMillis: () => end - Date.now() };
  const event = await next.json();
  await handler(event, context).then(
    (answer) => api(`invocation/${id}/response`, answer),
    (error) => api(`invocation/${id}/error`, errorOf(error)),
  );
}
