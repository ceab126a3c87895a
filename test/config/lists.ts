import assert from 'node:assert/strict';
import { type Loaded, loadTexts } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import type { Check } from '../../src/kernel/check.ts';
import { probers } from './probers.ts';

type Good = Extract<Loaded, { readonly ok: true }>;

/** Loads a list from its text; `{{X}}` stands for a reference, so that templates can hold it. */
export const loadText = (text: string, environment?: Readonly<Record<string, string>>): Loaded =>
  loadTexts([{ file: 'list.yaml', text: withReferences(text) }], { probers, ...(environment && { environment }) });

/** `{{env:X}}` as a reference is written in a list. */
export const withReferences = (text: string): string => text.replaceAll('{{', '\u0024{').replaceAll('}}', '}');

/** Loads a list that must be good. */
export const good = (text: string): Good => {
  const loaded = loadText(text);
  if (!loaded.ok) assert.fail(loaded.problems.map(problemText).join('\n'));
  return loaded;
};

/** The checks of a list that must be good. */
export const checksOf = (text: string): readonly Check[] => good(text).compiled.checks;

/** The problems of a list that must be bad, as people read them. */
export const problemsOf = (text: string): string[] => {
  const loaded = loadText(text);
  return loaded.ok ? [] : loaded.problems.map(problemText);
};

/** A list with one agent and one Lambda vantage, and these targets. */
export const withTargets = (targets: string): string => `vantages:
  agent: { kind: agent }
  edge: { kind: lambda, region: eu-west-1 }
targets:
  - { name: keeps-both-vantages, target: "https://example.com", from: ["*"] }
${targets}
`;
