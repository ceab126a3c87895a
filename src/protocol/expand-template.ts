import type { Groups } from './pattern.ts';

const reference = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu;

/** With a leading zero it is the name of a group to Go. */
const number = /^(?:0|[1-9]\d*)$/;

/**
 * Puts captures into a text by Go's rules: `$1`, `${1}`, `$name`, `${name}`, `$$` for a dollar sign. Without braces the name
 * is as long as letters, digits and underscores go; a group that is not there gives nothing.
 * @see https://pkg.go.dev/regexp#Regexp.Expand
 */
export const expandTemplate = (template: string, { byNumber, byName }: Groups): string =>
  template.replaceAll(reference, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (name === undefined) return whole === '$$' ? '$' : '';
    if (number.test(name)) return byNumber[Number(name)] ?? '';
    return Object.hasOwn(byName, name) ? (byName[name] ?? '') : '';
  });
