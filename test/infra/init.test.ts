import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { version } from '../../src/kernel/version.ts';
import { cli } from '../cli/console.ts';
import { awsServer } from '../servers/aws.ts';
import type { Ended } from './deployment.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = dirname(process.execPath);

/** Runs a program with the Node that runs this. */
const run = (program: string, words: readonly string[], cwd: string, environment: object = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { PATH: `${node}:${process.env.PATH}`, HOME: cwd, SLS_AWS_MONITORING_FREQUENCY: '100', ...environment };
    execFile(program, words, { cwd, env, maxBuffer: 64e6 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

let work = '';
let packed = '';

/** Packs a copy of this repository as npm publishes it, so that other tests' builds are left alone. */
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'bothways-init-'));
  const copy = join(work, 'checkout');
  const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const parts = new Set([...files, 'src', 'functions', 'infra', 'scripts', 'package.json', 'tsconfig.json', 'LICENSE']);
  parts.delete('dist');
  for (const part of parts) await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const { code, stderr } = await run('npm', ['pack', '--pack-destination', work], copy);
  assert.equal(code, 0, stderr);
  packed = join(work, `bothways-${version}.tgz`);
});
after(() => rm(work, { recursive: true, force: true }));

/** A repository of a user's own: made by `init` of the packed package, with packages as `npm install` would lay them. */
const installed = async (name: string) => {
  const folder = join(work, name);
  const modules = join(folder, 'node_modules');
  const unpacked = join(work, `package-for-${name}`);
  await mkdir(unpacked);
  assert.equal((await run('tar', ['-xzf', packed, '-C', unpacked], work)).code, 0);
  await symlink(join(root, 'node_modules'), join(unpacked, 'package/node_modules'));
  const made = await run(process.execPath, [join(unpacked, 'package/bin/bothways'), 'init', folder], work);
  assert.equal(made.code, 0, made.stderr);
  await mkdir(join(modules, '.bin'), { recursive: true });
  await rm(join(unpacked, 'package/node_modules'));
  await cp(join(unpacked, 'package'), join(modules, 'bothways'), { recursive: true });
  for (const one of ['koffi', 'serverless']) await symlink(join(root, 'node_modules', one), join(modules, one));
  await symlink('../bothways/bin/bothways', join(modules, '.bin/bothways'));
  await symlink(join(root, 'node_modules/.bin/serverless'), join(modules, '.bin/serverless'));
  return { folder, stdout: made.stdout, npm: (words: string[], more = {}) => run('npm', words, folder, more) };
};

test('init: the packed package makes a repository that checks, plans, deploys and removes itself', async () => {
  const { folder, stdout, npm } = await installed('My Probes');
  assert.match(stdout, /npm install && npm run check && npm run plan\n {2}npm run deploy -- --stage prod\n/);
  assert.deepEqual((await readdir(folder)).sort(), [
    '.github',
    '.gitignore',
    'README.md',
    'bothways.yml',
    'node_modules',
    'package.json',
    'serverless.yml',
    'targets',
  ]);
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  assert.deepEqual([manifest.name, manifest.dependencies], ['my-probes', { bothways: version }]);
  const check = await npm(['run', 'check']);
  assert.match(check.stdout, /The list is sound: 2 targets, 6 checks, 1 receiver\./, check.stderr);
  const plan = await npm(['run', '-s', 'bothways', '--', 'plan', '--from', '.', '--markdown']);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /^### Bothways plan\n.*Nothing changes/s);
  const dry = await npm(['run', '-s', 'bothways', '--', 'run', '--dry-run', '--vantage', 'eu-west-1']);
  assert.match(dry.stdout, /^2 checks at eu-west-1:\n/, dry.stderr);
  await using aws = await awsServer();
  const deployed = await npm(['run', 'deploy', '--', '--stage', 'prod'], aws.environment);
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.deepEqual([...aws.stacks.all.keys()].sort(), [
    'ap-southeast-1/bothways-prod-ap-southeast-1',
    'eu-west-1/bothways-prod-eu-west-1',
    'us-east-1/bothways-prod-us-east-1',
  ]);
  const removed = await npm(['run', 'remove', '--', '--stage', 'prod'], aws.environment);
  assert.equal(removed.code, 0, removed.stderr);
  assert.equal(aws.stacks.all.size, 0);
});

test('init: the repository is of the shape of this one', async () => {
  const { folder } = await installed('same');
  const [ours, theirs] = await Promise.all(
    [root, folder].map(async (place) => JSON.parse(await readFile(join(place, 'package.json'), 'utf8'))),
  );
  for (const script of Object.keys(theirs.scripts)) assert.ok(script in ours.scripts, script);
  for (const path of ['bothways.yml', 'targets/websites.yml', 'serverless.yml', '.github/workflows/bothways.yml']) {
    const [here, there] = await Promise.all([root, folder].map((place) => readFile(join(place, path), 'utf8')));
    const lines = here?.split('\n') ?? [];
    const others = (there?.split('\n') ?? []).filter((line, index) => line !== lines[index]);
    assert.ok(others.length <= 1, `${path}: ${others.join('\n')}`);
  }
});

test('init: the workflow runs scripts that there are, and hands no text of others to a shell', async () => {
  const { jobs } = parse(await readFile(join(root, '.github/workflows/bothways.yml'), 'utf8'));
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(jobs), ['check', 'plan', 'comment', 'regions', 'deploy', 'publish']);
  const steps: { readonly run?: string }[] = Object.values<{ steps: [] }>(jobs).flatMap((job) => job.steps);
  const runs = steps.flatMap(({ run: text }) => text ?? []);
  assert.ok(runs.length >= 8);
  for (const text of runs) {
    assert.ok(!text.includes('${{'), text);
    for (const [, script = ''] of text.matchAll(/npm run (?:-s )?([a-z:]+)/g)) assert.ok(script in scripts, script);
  }
  assert.equal(jobs.deploy.strategy['fail-fast'], false);
  for (const name of ['deploy', 'publish'])
    assert.deepEqual(jobs[name].permissions, { contents: 'read', 'id-token': 'write' });
  assert.deepEqual(jobs.publish.needs, ['regions', 'deploy']);
  for (const command of ['targets push --stage "$STAGE" --if-configured', 'regions --leftovers "$STAGE"'])
    assert.ok(runs.includes(`npm run -s bothways -- ${command}`), command);
});

test('init: nothing is overwritten, and what cannot be written is said', async () => {
  const folder = join(work, 'there');
  await mkdir(folder);
  await writeFile(join(folder, 'README.md'), 'mine');
  const refused = await cli(['init', folder]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^bothways: .*there has README\.md already; nothing was written$/m);
  assert.deepEqual(await readdir(folder), ['README.md']);
  const file = await cli(['init', join(folder, 'README.md')]);
  assert.deepEqual([file.code, file.stdout], [2, '']);
  assert.match(file.stderr, /cannot be written to: it is not a folder$/m);
  assert.equal((await cli(['init'])).code, 2);
  for (const name of ['...', 'bothways', '日本']) {
    assert.equal((await cli(['init', join(folder, name)])).code, 0);
    assert.equal(JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8')).name, 'probes');
  }
});
