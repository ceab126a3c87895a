import { isOpenFile } from './secret-files.ts';
import { isSecretRef } from './secrets.ts';

/** What settings only name: secrets by their references, and files by their paths. Never a value. */
export type References = { readonly secrets: ReadonlySet<string>; readonly files: ReadonlySet<string> };

/** All that a value refers to, however deep; references to literals among them. */
export const referencesIn = (value: unknown): References => {
  const secrets = new Set<string>();
  const files = new Set<string>();
  const seen = new Set<object>();
  const look = (one: unknown): void => {
    // Checks of one module share its settings.
    if (typeof one !== 'object' || one === null || seen.has(one)) return;
    seen.add(one);
    if (isSecretRef(one)) secrets.add(one.secret);
    for (const [key, part] of Object.entries(one)) {
      if (namesFile(key))
        for (const path of [part].flat()) if (typeof path === 'string' && path !== '') files.add(path);
      look(part);
    }
  };
  look(value);
  return { secrets, files };
};

const namesFile = (key: string): boolean => isOpenFile(key) || key.endsWith('_file') || key === 'files';

/** Whether a reference is to a value that stood in the list itself. */
export const isLiteral = (secret: string): boolean => secret.startsWith('literal:');
