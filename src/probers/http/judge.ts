import { type Failure, failure } from '../../kernel/reason.ts';
import { compilePattern, type Pattern } from '../../protocol/pattern.ts';
import type { Body } from './body.ts';
import type { Head } from './exchange.ts';
import type { HttpSettings } from './settings.ts';

/** The judgement of an answer, and whether an expression of the module was what broke. */
export type Judgement = { readonly failures: readonly Failure[]; readonly byRegex: boolean };

/** The rules of a module with their expressions compiled, which costs more than a probe. */
export type Judge = {
  /** Whether the body itself is needed, not only its length. */
  readonly wantsBody: boolean;
  readonly judge: (head: Head, body: Body, overTls: boolean) => Judgement;
};

type HeaderRule = {
  readonly header: string;
  readonly regexp: string;
  readonly pattern: Pattern;
  readonly allowMissing: boolean;
};
type BodyRule = { readonly regexp: string; readonly pattern: Pattern };

const judges = new WeakMap<HttpSettings, Judge>();

/** The judge for settings, made on first use. */
export const judgeFor = (settings: HttpSettings): Judge => {
  let judge = judges.get(settings);
  if (judge === undefined) {
    judge = makeJudge(settings);
    judges.set(settings, judge);
  }
  return judge;
};

const makeJudge = (settings: HttpSettings): Judge => {
  const bodyRules = {
    bad: settings.fail_if_body_matches_regexp.map(bodyRule),
    needed: settings.fail_if_body_not_matches_regexp.map(bodyRule),
  };
  const headerRules = {
    bad: settings.fail_if_header_matches.map(headerRule),
    needed: settings.fail_if_header_not_matches.map(headerRule),
  };
  const judge = (head: Head, body: Body, overTls: boolean): Judgement => {
    const status = statusFailure(settings, head);
    const header = status === undefined ? headerFailure(headerRules, head) : undefined;
    const reading = bodyProblem(body, settings);
    const content =
      status === undefined && header === undefined && reading === undefined ? bodyFailure(bodyRules, body) : undefined;
    // A body that could not be read cannot be matched either; blackbox_exporter counts that as a failed expression.
    const unmatched = wantsBody && status === undefined && header === undefined && reading !== undefined;
    const failures = [status, header, reading, content, versionFailure(settings, head), sslFailure(settings, overTls)];
    return {
      failures: failures.filter((one) => one !== undefined),
      byRegex: header !== undefined || content !== undefined || unmatched,
    };
  };
  const wantsBody = bodyRules.bad.length + bodyRules.needed.length > 0;
  return { wantsBody, judge };
};

const compiled = (text: string): Pattern => {
  const result = compilePattern(text);
  // The schema has compiled it before.
  if (!result.ok) throw new Error('an expression that the schema let through does not compile');
  return result.pattern;
};
const bodyRule = (regexp: string): BodyRule => ({ regexp, pattern: compiled(regexp) });
const headerRule = ({
  header,
  regexp,
  allow_missing: allowMissing,
}: HttpSettings['fail_if_header_matches'][number]): HeaderRule => ({
  header,
  regexp,
  pattern: compiled(regexp),
  allowMissing,
});

const statusFailure = ({ valid_status_codes: valid }: HttpSettings, { status }: Head): Failure | undefined => {
  const ok = valid.length === 0 ? status >= 200 && status < 300 : valid.includes(status);
  return ok
    ? undefined
    : failure(
        'http_status',
        'check',
        `the status is ${status}, expected ${valid.length === 0 ? '200 to 299' : valid.join(', ')}`,
      );
};

const versionFailure = ({ valid_http_versions: valid }: HttpSettings, { version }: Head): Failure | undefined =>
  // safe: includes compares with any text
  valid.length === 0 || (valid as readonly string[]).includes(version)
    ? undefined
    : failure('http_version', 'check', `the version is ${version}, expected ${valid.join(' or ')}`);

const sslFailure = (settings: HttpSettings, overTls: boolean): Failure | undefined => {
  if (overTls && settings.fail_if_ssl)
    return failure('ssl_unexpected', 'check', 'the answer came over TLS, and fail_if_ssl is set');
  if (!overTls && settings.fail_if_not_ssl)
    return failure('ssl_missing', 'check', 'the answer came without TLS, and fail_if_not_ssl is set');
  return undefined;
};

const headerFailure = (
  rules: { bad: readonly HeaderRule[]; needed: readonly HeaderRule[] },
  { headers }: Head,
): Failure | undefined => {
  for (const [list, isBad] of [
    [rules.bad, true],
    [rules.needed, false],
  ] as const) {
    for (const { header, regexp, pattern, allowMissing } of list) {
      const values = headers.get(header.toLowerCase()) ?? [];
      if (values.length === 0 && allowMissing) continue;
      if (values.length === 0) return failure('header_mismatch', 'check', `the answer has no header ${header}`);
      if (values.some((value) => pattern.test(value)) === isBad)
        return failure(
          'header_mismatch',
          'check',
          `the header ${header} ${isBad ? 'matches' : 'does not match'} ${regexp}`,
        );
    }
  }
  return undefined;
};

const bodyProblem = ({ problem, length }: Body, { compression }: HttpSettings): Failure | undefined => {
  if (problem === 'body_too_large')
    return failure('body_too_large', 'transfer', `the body is larger than the limit of ${length} bytes`);
  if (problem === 'body_encoding') return failure('body_encoding', 'transfer', `the body is not ${compression}`);
  return undefined;
};

const bodyFailure = (
  rules: { bad: readonly BodyRule[]; needed: readonly BodyRule[] },
  { bytes }: Body,
): Failure | undefined => {
  if (bytes === undefined) return undefined;
  const bad = rules.bad.find(({ pattern }) => pattern.test(bytes));
  if (bad !== undefined) return failure('body_mismatch', 'check', `the body matches ${bad.regexp}`);
  const needed = rules.needed.find(({ pattern }) => !pattern.test(bytes));
  return needed === undefined
    ? undefined
    : failure('body_mismatch', 'check', `the body does not match ${needed.regexp}`);
};
