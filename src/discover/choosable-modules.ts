import { plaintextSecretsIn } from '../config/plaintext-secrets.ts';
import { quoted } from '../config/problem.ts';
import { secretFileIn } from '../config/secret-files.ts';
import { isSecretRef } from '../config/secrets.ts';
import type { Check } from '../kernel/check.ts';

/** Modules that what was found may choose: these, all of the list, or those that send no secret. */
export type ChoosableModules = readonly string[] | 'any' | 'without_secrets';

type Block = {
  readonly name: string;
  readonly modules?: ChoosableModules;
  readonly defaults: { readonly module?: string | undefined };
};

/**
 * Why a module is not for what a block found; `undefined` if it is. Whoever may write an object chooses the host, so a module with
 * secrets is taken only where the block names it, whether the object chose it (`isChosen`) or has it from the list's defaults.
 */
export const refusal = (
  { name, modules = 'without_secrets', defaults }: Block,
  { name: module, settings }: Check['module'],
  isChosen: boolean,
): string | undefined => {
  if (modules === 'any' || defaults.module === module) return undefined;
  const names = modules === 'without_secrets' ? [] : modules;
  if (names.includes(module)) return undefined;
  if (isChosen && modules !== 'without_secrets')
    return `module: objects may not choose ${quoted(module)} here; write it into \`modules\` of ${name} if they may`;
  if (!hasSecrets(settings)) return undefined;
  return `module: ${quoted(module)} has secrets or a body, which no host gets by being found; write it into \`modules\` of ${name} if that is meant`;
};

const known = new WeakMap<object, boolean>();

/** Thousands of checks share the settings of one module. */
const hasSecrets = (settings: unknown): boolean => {
  if (typeof settings !== 'object' || settings === null) return false;
  const has =
    known.get(settings) ??
    (holdsReference(settings) ||
      secretFileIn(settings) !== undefined ||
      plaintextSecretsIn(settings).length > 0 ||
      hasBody(settings));
  known.set(settings, has);
  return has;
};

/** What a body holds is the list's own business, whatever it reads like: it was written for one host. */
const hasBody = (settings: object): boolean =>
  ('body' in settings && settings.body !== '') || ('body_file' in settings && settings.body_file !== undefined);

const holdsReference = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (isSecretRef(value) || Object.values(value).some(holdsReference));
