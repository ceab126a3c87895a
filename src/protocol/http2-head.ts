import { fieldOverhead } from './hpack.ts';
import { type Field, type Malformed, quoted, type ResponseHead } from './http1-head.ts';

/** Takes the decoded fields of one header block. `add` ends the block by returning false: there is a problem with it. */
export type FieldTaker = {
  readonly add: (name: string, value: string) => boolean;
  /** The head, once the block is complete. */
  readonly head: () => ResponseHead | Malformed;
  /** The trailers, once the block is complete. */
  readonly trailers: () => readonly Field[] | Malformed;
  /** Bytes of the fields so far, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. */
  readonly size: () => number;
};

/**
 * Judges the fields of a response as Go's client does: connection headers, blanks around values and bytes that are not ASCII
 * are taken; upper case in names, control characters in values, and pseudo-headers that are late, repeated, unknown or a request's are not.
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-8.3.2
 */
export const fieldTaker = (mostBytes: number): FieldTaker => {
  const fields: Field[] = [];
  const pseudo = new Map<string, string>();
  let size = 0;
  let problem: string | undefined;

  const judge = (name: string, value: string): string | undefined => {
    if (control.test(value)) return `has a control character in the header ${quoted(name)}`;
    if (!name.startsWith(':'))
      return fieldName.test(name) ? undefined : `has a header whose name is not a token in lower case: ${quoted(name)}`;
    if (fields.length > 0) return `has the pseudo-header ${quoted(name)} behind a header`;
    if (pseudo.has(name)) return `has the pseudo-header ${quoted(name)} twice`;
    return pseudoHeaders.has(name) ? undefined : `has the unknown pseudo-header ${quoted(name)}`;
  };

  return {
    add: (name, value) => {
      size += name.length + value.length + fieldOverhead;
      if (size > mostBytes) return false;
      problem = judge(name, value);
      if (name.startsWith(':')) pseudo.set(name, value);
      else fields.push([name, value]);
      return problem === undefined;
    },
    head: () => {
      if (problem !== undefined) return { malformed: problem };
      const status = pseudo.get(':status') ?? '';
      if (status === '') return { malformed: 'has no :status' };
      const [other] = [...pseudo.keys()].filter((name) => name !== ':status');
      if (other !== undefined) return { malformed: `has the pseudo-header ${quoted(other)} of a request` };
      if (!integer.test(status)) return { malformed: `has a :status that is not a number: ${quoted(status)}` };
      return { version: 'HTTP/2.0', status: Number(status), fields };
    },
    trailers: () => {
      if (problem !== undefined) return { malformed: problem };
      const [name] = pseudo.keys();
      return name === undefined ? fields : { malformed: `has the pseudo-header ${quoted(name)} in its trailers` };
    },
    size: () => size,
  };
};

const pseudoHeaders = new Set([':status', ':method', ':scheme', ':authority', ':path', ':protocol']);
/** A token without upper case (RFC 9113, section 8.2.1). */
const fieldName = /^[!#$%&'*+.^_`|~\da-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: field values may not hold them (RFC 9110, section 5.5)
const control = /[\0-\x08\x0a-\x1f\x7f]/;
/** As Go reads it: signs and any number of digits. */
const integer = /^[+-]?\d{1,15}$/;
