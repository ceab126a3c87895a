import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { peersFolder } from '../test/servers/peers.ts';

/**
 * `npm run test:slow`: the tests of the probe function once more, under Lambda's own runtime client instead of our light loop. The
 * client is C++ that is compiled as it is installed (a minute or two; it needs cmake, make and g++ from Debian), which is why it
 * is none of our dependencies: it goes into the cache folder, beside the other programs that tests use.
 */
const version = '4.0.2';
const folder = join(peersFolder(), `aws-lambda-ric-${version}`);
const client = join(folder, 'node_modules', 'aws-lambda-ric', 'index.mjs');
const native = join(folder, 'node_modules', 'aws-lambda-ric', 'rapid-client.node');
if (!existsSync(native)) {
  console.log(`test:slow: compiling aws-lambda-ric ${version} …`);
  await mkdir(folder, { recursive: true });
  const words = [
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--foreground-scripts',
    `aws-lambda-ric@${version}`,
  ];
  const made = spawnSync('npm', words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  if (made.status !== 0 || !existsSync(native)) {
    console.error('test:slow: aws-lambda-ric was not compiled; it needs cmake, make and g++ (see above)');
    process.exit(1);
  }
}
const tested = spawnSync(process.execPath, ['--test', 'test/lambda/probe-function.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, BOTHWAYS_RUNTIME_CLIENT: client },
});
process.exit(tested.status ?? 1);
