import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan, planFrom } from './planned.ts';

/** What a comment at a pull request holds, in characters. */
const mostOfComment = 65_536;

test('plan: Markdown of a change that is too long for a comment ends its tables early, and counts the rest', async () => {
  const numbers = Array.from({ length: 120 }, (_, index) => index);
  const settings = (letter: string) =>
    `http: { ${['matches', 'not_matches'].map((how) => `fail_if_body_${how}_regexp: ["${letter.repeat(150)}"]`).join(', ')} }`;
  const listOf = (letter: string) => `
vantages: { eu-west-1: { kind: lambda } }
remote_write: [{ url: "https://push.example.com/" }]
modules:
${numbers.map((index) => `  m${index}: { prober: http, ${settings(letter)} }`).join('\n')}
targets:
${numbers.map((index) => `  - { name: t${index}, target: "https://t${index}.example.com", ${settings(letter)} }`).join('\n')}
`;
  const { code, stdout, stderr } = await planFrom(listOf('x'), listOf('y'), '--markdown');
  assert.equal(code, 0, stderr);
  assert.ok(stdout.length < mostOfComment, `${stdout.length}`);
  assert.match(stdout, /<summary>Targets: 240 changes<\/summary>/);
  const rows = [...stdout.matchAll(/^\| changed \| .*fail_if_body.*$/gm)].length;
  const [list = 0, targets = 0] = [...stdout.matchAll(/^… and (\d+) more$/gm)].map(([, more]) => Number(more));
  assert.equal(rows + list + targets, 480);
  assert.ok(rows > 100);
  assert.match(stdout, /^\| `eu-west-1` \| 120 \|/m, 'what it costs is shown all the same');
  assert.equal(stdout.split('<details>').length, stdout.split('</details>').length);
});

test('plan: Markdown of many vantages and receivers fits into a comment too', async () => {
  const names = Array.from({ length: 900 }, (_, index) => `vantage-with-a-long-name-${index}`);
  const list = `
vantages: { ${names.map((name) => `${name}: { kind: lambda, region: eu-west-1 }`).join(', ')} }
remote_write:
${names.map((name) => `  - { url: "https://${name}.receivers.example.com/", from: [${name}] }`).join('\n')}
aws: { memory: 128 }
targets: ["https://www.example.com"]
`;
  const { code, stdout, stderr } = await plan(list, '--markdown');
  assert.equal(code, 0, stderr);
  assert.ok(stdout.length < mostOfComment, `${stdout.length}`);
  assert.equal([...stdout.matchAll(/^… and \d+ more$/gm)].length, 2);
});
