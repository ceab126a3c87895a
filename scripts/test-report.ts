import { relative } from 'node:path';

/** A test that was skipped, and why: the text given to `skip`, or `true` if there was none. */
export type Skip = { readonly name: string; readonly file?: string | undefined; readonly why: string | boolean };

/** How many tests ended how. */
export type Count = { passed: number; failed: number; skipped: number };

/** A line for each skipped test with its reason; no lines when there is none. */
export const skipLines = (skips: readonly Skip[]): readonly string[] =>
  skips.map(({ name, file, why }) => {
    const place = file === undefined ? '' : ` (${relative('.', file)})`;
    return `skipped: ${name}${place}: ${typeof why === 'string' && why !== '' ? why : 'no reason given'}`;
  });

/** The line that ends a test run. */
export const closingLine = ({ passed, failed, skipped }: Count): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
