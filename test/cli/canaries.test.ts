import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadTexts } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { probeDoor } from '../../src/lambda/probe-door.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { issue } from '../servers/certificates.ts';
import { httpsServer } from '../servers/http.ts';
import { type Push, receiver } from '../servers/receiver.ts';
import { tcpServer } from '../servers/tcp.ts';
import { cli } from './console.ts';
import { startAgentWith, until } from './running-agent.ts';
import { listFile, serve } from './world.ts';

/** A canary for each kind of secret. Each has a part of its own in the middle. */
const canaryOf = (kind: string): string => `cnry-${kind}-7f3a9d-${kind}-end`;
const kinds = [
  ...['basic', 'bearer', 'header', 'hheader', 'send'],
  ...['literal', 'litauth', 'cookie', 'values', 'litbody', 'litsend', 'query'],
  ...['file', 'hfile', 'bodyfile', 'userfile'],
  ...['pushbasic', 'pushheader', 'pushlit', 'pushquery', 'pushfile', 'web'],
] as const;
type Kind = (typeof kinds)[number];
const c = (kind: Kind): string => canaryOf(kind);

/** All that came with a request, in the forms in which servers and gateways repeat it. */
const repeated = (request: IncomingMessage, body: string): readonly string[] => {
  const flat = request.rawHeaders.join(' ');
  const credentials = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString('latin1');
  const all = `${flat} ${request.url} ${body} ${credentials}`;
  return [
    all,
    JSON.stringify({ all }),
    Buffer.from(all).toString('base64'),
    Buffer.from(all).toString('hex'),
    encodeURIComponent(all),
  ];
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
};

/** A target that repeats what it got: in the status text, headers, the body, and where it redirects to. */
const echoTarget = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const forms = repeated(request, await bodyOf(request));
  const line = forms[0]?.replaceAll(/[^\x20-\x7e]+/g, ' ') ?? '';
  const host = /cnry-[a-z]+-7f3a9d-[a-z]+-end/.exec(line)?.[0] ?? 'nothing';
  response.statusMessage = line;
  const headers = { 'X-Echo': line, 'Set-Cookie': `echo=${encodeURIComponent(line)}` };
  if (request.url?.startsWith('/away') === true)
    response.writeHead(302, { ...headers, Location: `http://${host}.localhost:1/${encodeURIComponent(line)}` }).end();
  else response.writeHead(500, headers).end(forms.join('\n'));
};

/** The forms in which a canary may stand in a text; the characters of base64 that hold only it, at each alignment. */
const formsOf = (kind: string): readonly string[] => {
  // The middle of it: a part counts as well.
  const part = `y-${kind}-7f3a9d`;
  return [
    part,
    Buffer.from(part).toString('hex'),
    ...[0, 1, 2].map((before) =>
      Buffer.from('x'.repeat(before) + part)
        .toString('base64')
        .slice(Math.ceil((before * 8) / 6), Math.floor(((before + part.length) * 8) / 6)),
    ),
  ];
};

const assertClean = (text: string, what: string): void => {
  const lower = text.toLowerCase();
  for (const kind of kinds)
    for (const form of formsOf(kind)) {
      const at = text.includes(form) ? text.indexOf(form) : lower.indexOf(form);
      assert.equal(at, -1, `${what} holds ${kind}: ${text.slice(Math.max(0, at - 200), at + 100)}`);
    }
};

const reference = (text: string): string => text.replaceAll('{{', '\u0024{').replaceAll('}}', '}');

type Places = Readonly<Record<'target' | 'secure' | 'tcp' | 'folder', string>> & { readonly pushes: readonly string[] };

/** A list with a canary for each kind of secret. */
const listOf = ({ target, secure, tcp, folder, pushes }: Places, vantages: string, more = ''): string =>
  reference(`
vantages: ${vantages}
remote_write:
  - { name: r-basic, url: "${pushes[0]}", basic_auth: { username: ann, password: "{{env:PUSHBASIC}}" }, queue_config: &queue { batch_send_deadline: 100ms, min_backoff: 20ms, max_backoff: 50ms } }
  - { name: r-header, url: "${pushes[1]}?token=${c('pushquery')}", headers: { X-Any: "{{env:PUSHHEADER}}", X-Api-Key: ${c('pushlit')} }, queue_config: *queue }
${more}
defaults: { ${vantages.includes('lambda') ? 'outside' : 'inside'}: { interval: ${vantages.includes('lambda') ? '1m' : '1s'}, timeout: 900ms } }
modules:
  basic: { prober: http, http: { basic_auth: { username: ann, password: "{{env:BASIC}}" }, headers: { X-Any: "{{env:HEADER}}", X-Api-Key: ${c('literal')}, Cookie: "session=${c('cookie')}" } } }
  bearer: { prober: http, http: { authorization: { credentials: "{{env:BEARER}}" }, http_headers: { X-More: { secrets: ["{{env:HHEADER}}"]${folder === '' ? '' : `, files: [${folder}/hfile]`} }, X-Auth-Token: { values: [${c('values')}] } }, method: POST, body: "user=a&password=${c('litbody')}" } }
  literal: { prober: http, http: { headers: { Authorization: "Bearer ${c('litauth')}" } } }
  login: { prober: tcp, tcp: { query_response: [{ send: "PASS ${c('litsend')}" }, { send: "{{env:SEND}}" }, { expect: "^(.*)$", labels: [{ name: first, value: "$1" }] }, { expect: "^(.*)$", labels: [{ name: second, value: "$1" }] }, { expect: "^(.*)$", labels: [{ name: third, value: "$1" }] }, { expect: "never" }] } }
${folder === '' ? '' : `  files: { prober: http, http: { method: POST, basic_auth: { username_file: ${folder}/userfile, password_file: ${folder}/file }, body_file: ${folder}/bodyfile } }`}
  secure: { prober: http, http: { bearer_token: "{{env:BEARER}}", tls_config: { insecure_skip_verify: true${folder === '' ? '' : `, cert_file: ${folder}/cert.pem, key_file: ${folder}/key.pem`} } } }
targets:
  - { name: t-basic, target: "${target}/a?apikey=${c('query')}&page=2", module: basic, side: SIDE }
  - { name: t-away, target: "${target}/away?apikey=${c('query')}", module: basic, side: SIDE }
  - { name: t-bearer, target: "${target}/b", module: bearer, side: SIDE }
  - { name: t-bearer-away, target: "${target}/away", module: bearer, side: SIDE }
  - { name: t-literal, target: "${target}/away", module: literal, side: SIDE }
  - { name: t-login, target: "tcp://${tcp}", module: login, side: SIDE }
  - { name: t-secure, target: "${secure}/", module: secure, side: SIDE }
${folder === '' ? '' : `  - { name: t-files, target: "${target}/c", module: files, side: SIDE }\n  - { name: t-files-away, target: "${target}/away", module: files, side: SIDE }`}
`).replaceAll('side: SIDE', vantages.includes('lambda') ? 'side: outside' : 'side: inside');

const environment = {
  BASIC: c('basic'),
  BEARER: c('bearer'),
  HEADER: c('header'),
  HHEADER: c('hheader'),
  SEND: `AUTH ${c('send')}`,
  PUSHBASIC: c('pushbasic'),
  PUSHHEADER: c('pushheader'),
  WEB: c('web'),
};

/** Echoing peers: targets over http, https and TCP, and receivers that refuse with what they got, each in another form. */
const peers = async (stack: AsyncDisposableStack) => {
  const target = stack.use(await serve((request, response) => void echoTarget(request, response)));
  const secure = stack.use(
    await httpsServer(({ headers }) => `HTTP/1.1 500 ${[...headers.values()].join(' ')}\r\nContent-Length: 0\r\n\r\n`),
  );
  const tcp = stack.use(
    await tcpServer({
      onData: (socket, data) => {
        const text = data.toString('utf8').replaceAll(/\s+/g, ' ');
        socket.write(
          `500 ${text}\r\n501 ${Buffer.from(`x${text}`).toString('base64')}\r\n502 ${encodeURIComponent(text)}\r\n503 ${data.toString('hex')}\r\n`,
        );
      },
    }),
  );
  const pushes: Push[] = [];
  const repeat = async (status: number) =>
    stack.use(
      await receiver((push, response, count) => {
        pushes.push(push);
        const forms = repeated(response.req, '');
        return { status, text: forms[count % forms.length] ?? '' };
      }),
    ).url;
  return {
    target: target.url,
    secure: secure.url,
    tcp: `127.0.0.1:${tcp.port}`,
    pushes: [await repeat(500), await repeat(400), await repeat(401)],
    arrived: pushes,
  };
};

test('canaries: echoing targets and receivers put no secret into any output of the agent or of a command', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-canaries-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const identity = await issue({ subject: 'CN=us' });
  const files = {
    file: c('file'),
    hfile: c('hfile'),
    userfile: c('userfile'),
    pushfile: c('pushfile'),
    bodyfile: `{"x":"${c('bodyfile')}"}`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), `${text}\n`);
  await writeFile(join(folder, 'cert.pem'), identity.cert);
  await writeFile(join(folder, 'key.pem'), identity.key);
  await writeFile(join(folder, 'web.yml'), reference('basic_auth: { username: ops, password: "{{env:WEB}}" }\n'));
  const there = await peers(stack);
  const more = `  - { name: r-file, url: "${there.pushes[2]}", bearer_token_file: ${folder}/pushfile, queue_config: *queue }`;
  const text = listOf({ ...there, folder }, '{ laptop: { kind: agent } }', more);
  const file = stack.use(await listFile(text));
  const agent = stack.use(
    await startAgentWith(environment, file.path, '--web-config', join(folder, 'web.yml'), '--stop-timeout', '200ms'),
  );
  const headers = { Authorization: `Basic ${Buffer.from(`ops:${c('web')}`).toString('base64')}` };
  for (const name of ['r-basic', 'r-header', 'r-file'])
    await agent.said(new RegExp(`${name} (?:takes no|refused).*\\*\\*\\*`));
  const failing = async () => {
    const shown = await agent.get('/metrics', { headers });
    return Number(/^bothways_runs_total\{[^}]*failed[^}]*\} (\d+)/m.exec(shown)?.[1] ?? 0) >= 9;
  };
  await until(failing, 'not all have run');
  const outputs: Record<string, string> = { log: agent.lines.join('\n') };
  for (const path of ['/', '/metrics', '/api/status', '/nothing']) outputs[path] = await agent.get(path, { headers });
  outputs['without credentials'] = await agent.get('/api/status');
  await agent.stop();
  outputs['log at the end'] = agent.lines.join('\n');
  outputs.labels = JSON.stringify(there.arrived.flatMap(({ series }) => series.map(({ labels }) => labels)));
  const names = [...text.matchAll(/name: (t-[\w-]+)/g)].map(([, name = '']) => name);
  const commands = [
    ['check', '--config', file.path],
    ['check', '--config', file.path, '--json'],
    ['plan', '--config', file.path],
    ['run', '--config', file.path, '--once', '--json', '--timeout', '500ms'],
    ['run', '--config', file.path, '--once', '--timeout', '500ms'],
    ['run', '--config', file.path, '--dry-run', '--json'],
    ...names.flatMap((name) => [
      ['probe', name, '--config', file.path, '--debug'],
      ['probe', name, '--config', file.path, '--json', '--debug'],
      ['probe', name, '--config', file.path, '--metrics', '--debug'],
    ]),
    ['probe', `${there.target}/away?apikey=${c('query')}`, '--json', '--debug'],
  ];
  for (const command of commands) {
    const { stdout, stderr } = await cli(command, { environment });
    outputs[command.join(' ').replaceAll(c('query'), 'QUERY')] = `${stdout}${stderr}`;
  }
  for (const [what, output] of Object.entries(outputs)) assertClean(output, what);
  const key = identity.key.split('\n')[1]?.slice(8, 40) ?? '';
  assert.ok(!JSON.stringify(outputs).includes(key));
  // The peers did get and repeat them: otherwise nothing was shown.
  assert.match(outputs.labels ?? '', /"first":"500 [^"]*\*\*\*[^"]*"/);
  assert.match(outputs['probe t-away --config FILE --debug'.replace('FILE', file.path)] ?? '', /redirect.*\*\*\*/);
  assert.ok(
    there.arrived.every(({ headers: got }) => JSON.stringify(got).includes('cnry') || got.authorization !== undefined),
  );
});

test('canaries: echoing targets and receivers put no secret into the log of a function or its answer', async () => {
  await using stack = new AsyncDisposableStack();
  const there = await peers(stack);
  const vantage =
    '{ eu-west-1: { kind: lambda, private: allow, vpc: { subnet_ids: [subnet-1], security_group_ids: [sg-1] } } }';
  const loaded = loadTexts([{ file: 'list.yaml', text: listOf({ ...there, folder: '' }, vantage) }], { probers });
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const read = readPacked(
    packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: loaded.list.external_labels }),
  );
  if (!read.ok) assert.fail(read.why);
  const lines: string[] = [];
  await using door = probeDoor({
    packed: read.packed,
    vantage: 'eu-west-1',
    probers,
    environment,
    clock: marks(),
    log: (...said: unknown[]) => void lines.push(JSON.stringify(said)),
  });
  const end = Date.now() + 8_000;
  const slot = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString();
  const answer = await door.handle(
    { shard: 0, of: 1, slot },
    { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: 'request-1' },
  );
  assert.match(lines.join('\n'), /\*\*\*/);
  assertClean(lines.join('\n'), 'the log');
  assertClean(JSON.stringify(answer), 'the answer');
  assertClean(JSON.stringify(there.arrived.flatMap(({ series }) => series.map(({ labels }) => labels))), 'the labels');
});
