import type { Groups } from './pattern.ts';

const reference = /\$(?:\$|(\w+)|\{(\w+)\})/g;

/**
 * Puts captures into a text by Go's rules: `$1`, `${1}`, `$name`, `${name}`, `$$` for a dollar sign. Without braces the name
 * is as long as letters, digits and underscores go; a group that is not there gives nothing.
 * @see https://pkg.go.dev/regexp#Regexp.Expand
 */
export const expandTemplate = (template: string, { byNumber, byName }: Groups): string =>
  template.replaceAll(reference, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (name === undefined) return whole === '$$' ? '$' : '';
    return /^\d+$/.test(name) ? (byNumber[Number(name)] ?? '') : (byName[name] ?? '');
  });
