import type { Check } from '../kernel/check.ts';
import { packedFile } from '../net/files.ts';
import type { Endpoint } from './endpoint.ts';
import { isOpenFile } from './secret-files.ts';
import { isSecretRef } from './secrets.ts';

type Part = { readonly checks: readonly Pick<Check, 'module'>[]; readonly endpoints: readonly Endpoint[] };

/**
 * What of a packed list a function has only if it was deployed with it: a role that may read a secret, a variable, a file in the
 * zip. Each as a list has it, never a value: `ssm:/name`, `env:NAME`, `packed:1a2b3c4d-ca.pem`.
 */
export const deployedWith = ({ checks, endpoints }: Part): ReadonlySet<string> => {
  const found = new Set<string>();
  const seen = new Set<object>();
  const look = (value: unknown): void => {
    // Checks of one module share its settings.
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (isSecretRef(value)) found.add(rightFor(value.secret));
    else
      for (const [key, part] of Object.entries(value)) {
        if (isOpenFile(key) && typeof part === 'string' && part.startsWith(packedFile)) found.add(part);
        look(part);
      }
  };
  for (const { module } of checks) look(module.settings);
  look(endpoints);
  return found;
};

/** A role may read a secret with all its keys. */
const rightFor = (secret: string): string =>
  secret.startsWith('secretsmanager:') ? secret.replace(/#.*$/, '') : secret;

/** What a list refers to beyond what a function was deployed with, in words; nothing if it can be used. */
export const beyond = (list: Part, deployed: ReadonlySet<string>): readonly string[] =>
  [...deployedWith(list)].filter((one) => !deployed.has(one)).map(inWords);

const inWords = (one: string): string =>
  one.startsWith(packedFile) ? `the file ${one.slice(packedFile.length).replace(/^\w+-/, '')}` : `\${${one}}`;
