import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { needs } from '../servers/peers.ts';

// The page as a browser shows it: the demo runs, and somebody looks at it.

const root = fileURLToPath(new URL('../..', import.meta.url));

const startDemo = async () => {
  execFileSync(process.execPath, ['scripts/build-page.ts'], { cwd: root });
  const child = spawn(process.execPath, ['bin/bothways', 'demo', '--listen', '127.0.0.1:0'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let url = '';
  for await (const line of createInterface({ input: child.stderr })) {
    url = /The page: +(\S+)/.exec(line)?.[1] ?? '';
    if (url !== '') break;
  }
  child.stderr.resume();
  const stop = async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
  };
  return { url, stop, [Symbol.asyncDispose]: stop };
};

/** A browser without a screen, in a folder of its own, that talks to nobody by itself. */
const startBrowser = async (path: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-browser-'));
  const browser = await chromium.launch({
    executablePath: path,
    // Root has no sandbox in Chromium, and a container often none at all.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
  });
  return {
    browser,
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const isRising = (all: readonly number[]) => all.every((one, index) => index === 0 || one > (all[index - 1] ?? 0));

const cellOf = (page: Page, target: string, vantage: string) =>
  page.getByRole('button', { name: new RegExp(`^${target} from ${vantage} is (good|failing)`) });

test('page: both sides are shown, searched, chosen by keyboard, and told when the agent has gone', async (t) => {
  const program = await needs(t, 'chromium');
  if (program === undefined) return;
  await using demo = await startDemo();
  await using running = await startBrowser(program.path);
  const page = await running.browser.newPage({ viewport: { width: 1_200, height: 900 } });
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION')) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(demo.url);

  await page.getByRole('heading', { name: 'What users see' }).waitFor();
  await page.getByRole('heading', { name: 'What workloads depend on' }).waitFor();
  await cellOf(page, 'shop', 'eu-west-1').waitFor();
  const picture = page.getByRole('region', { name: 'Both ways' });
  await picture.getByText('outside in').waitFor();
  await picture.getByText('inside out').waitFor();
  await picture.getByText(/^[0-2] of 2 places good/).waitFor();
  await picture.getByText(/^[0-2] of 2 good/).waitFor();
  await picture.getByText('ingress · shop').waitFor();
  await picture.getByText('app · shop').waitFor();
  assert.deepEqual(
    (await picture.getByRole('listitem').allTextContents()).map((text) => /[a-z-]+/.exec(text)?.[0]),
    ['orders-db', 'partner-api'],
  );
  assert.doesNotMatch((await picture.textContent()) ?? '', /legacy|names/);
  const centres = async () =>
    (
      await picture
        .locator('.place, .drawn')
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()))
    ).map(({ x, y, width, height }) => [Math.round(x + width / 2), Math.round(y + height / 2)] as const);
  const wide = await centres();
  assert.equal(wide.length, 6);
  assert.ok(isRising(wide.map(([x]) => x)), `one beside the other: ${JSON.stringify(wide)}`);
  await page.getByRole('button', { name: /^legacy from us-east-1 is failing: tls_expired in tls/ }).waitFor();
  await cellOf(page, 'names', 'cluster-a').waitFor();
  await page
    .getByRole('table')
    .filter({ hasText: 'Accepted' })
    .getByRole('row', { name: /^cluster-a/ })
    .waitFor();

  await page.getByRole('searchbox', { name: 'Search' }).fill('incomplete_chain');
  await cellOf(page, 'shop', 'eu-west-1').waitFor({ state: 'detached' });
  assert.equal(await cellOf(page, 'partner', 'eu-west-1').count(), 1);
  await page.getByRole('searchbox', { name: 'Search' }).fill('');

  await cellOf(page, 'shop', 'eu-west-1').focus();
  await page.keyboard.press('Enter');
  const details = page.getByRole('region', { name: 'shop from eu-west-1' });
  await details.getByRole('img', { name: /runs, \d+ failed, the slowest took/ }).waitFor();
  assert.match((await details.textContent()) ?? '', /5\d days left/);
  assert.match((await details.textContent()) ?? '', /processing \d+/);
  assert.ok((await details.locator('canvas').count()) === 1);
  assert.match(decodeURIComponent(page.url()), /#shop eu-west-1/);
  await page.keyboard.press('Escape');
  await details.waitFor({ state: 'detached' });
  const focused = await page.evaluate('document.activeElement?.getAttribute("aria-label") ?? ""');
  assert.match(String(focused), /^shop from eu-west-1/);

  await page.setViewportSize({ width: 360, height: 800 });
  const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  assert.ok(Number(overflow) <= 0, `the page is ${overflow} px wider than a phone`);

  const tall = await centres();
  assert.ok(isRising(tall.map(([, y]) => y)), `one below the other: ${JSON.stringify(tall)}`);
  assert.equal(new Set(tall.map(([x]) => x)).size, 1, JSON.stringify(tall));

  const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await background(), light);

  await demo.stop();
  await page.getByRole('alert').filter({ hasText: 'no answer' }).waitFor();
  assert.deepEqual(problems, []);
});
