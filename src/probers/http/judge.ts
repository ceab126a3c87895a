import { type Failure, failure } from '../../kernel/reason.ts';
import { bodyBudget } from '../../net/byte-budget.ts';
import { timeoutIn } from '../../net/failure.ts';
import type { Search } from '../../net/matcher-jobs.ts';
import type { Matched } from '../../net/matcher-lanes.ts';
import { textOfBytes } from '../../protocol/http1-request.ts';
import type { Body } from './body.ts';
import { wantsBody } from './body-limits.ts';
import type { Head } from './head.ts';
import type { HttpSettings } from './settings.ts';

/** The judgement of an answer, and whether an expression of the module was what broke. */
export type Judgement = { readonly failures: readonly Failure[]; readonly byRegex: boolean };

/** An answer as it is judged. `isCut` means that the body is not all there, and not because of a limit of the module. */
export type Answer = {
  readonly head: Head;
  readonly body: Body;
  readonly overTls: boolean;
  readonly isCut: boolean;
};

/** Does the matching of one run. */
export type Match = (work: Search) => Promise<Matched<number>>;

/** Judges an answer by the rules of a module. A matching that took too long is a failure with reason `timeout`. */
export const judge = async (settings: HttpSettings, answer: Answer, match: Match): Promise<Judgement> => {
  const { head, body, overTls, isCut } = answer;
  const status = statusFailure(settings, head);
  const header = status === undefined ? await headerFailure(settings, head, match) : undefined;
  // What cut the answer is a failure already, and says more than what its body lacks.
  const reading = isCut && body.problem !== 'local_resources' ? undefined : bodyProblem(body, settings);
  const isRead = status === undefined && header === undefined && reading === undefined && !isCut;
  const content = isRead ? await bodyFailure(settings, body, match) : undefined;
  // A body that could not be read cannot be matched either; blackbox_exporter counts that as a failed expression.
  const isUnmatched =
    wantsBody(settings) && status === undefined && header === undefined && (reading !== undefined || isCut);
  const failures = [status, header, reading, content, versionFailure(settings, head), sslFailure(settings, overTls)];
  return {
    failures: failures.filter((one) => one !== undefined),
    byRegex: header !== undefined || content !== undefined || isUnmatched,
  };
};

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

const headerFailure = async (settings: HttpSettings, { headers }: Head, match: Match): Promise<Failure | undefined> => {
  for (const [rules, isBad] of [
    [settings.fail_if_header_matches, true],
    [settings.fail_if_header_not_matches, false],
  ] as const) {
    for (const { header, regexp, allow_missing: allowMissing } of rules) {
      const inputs = (headers.get(header.toLowerCase()) ?? []).map(textOfBytes);
      if (inputs.length === 0 && allowMissing) continue;
      if (inputs.length === 0) return failure('header_mismatch', 'check', `the answer has no header ${header}`);
      const matched = await match({ expressions: [regexp], inputs, wanted: isBad });
      if (!matched.ok) return matched.failure;
      if (matched.result === 0)
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
  switch (problem) {
    case 'body_too_large':
      return failure(
        'body_too_large',
        'transfer',
        `the body is larger than the limit; ${length} bytes of it were read`,
      );
    case 'body_encoding':
      return failure('body_encoding', 'transfer', `the body is not ${compression}`);
    case 'timeout':
      return timeoutIn('transfer');
    case 'local_resources':
      return failure(
        'local_resources',
        'transfer',
        `no memory for the body: all runs together hold at most ${bodyBudget} bytes of bodies, and this run held most of them`,
      );
    default:
      return undefined;
  }
};

const bodyFailure = async (settings: HttpSettings, { bytes }: Body, match: Match): Promise<Failure | undefined> => {
  if (bytes === undefined) return undefined;
  const inputs = [bytes()];
  for (const [expressions, wanted] of [
    [settings.fail_if_body_matches_regexp, true],
    [settings.fail_if_body_not_matches_regexp, false],
  ] as const) {
    if (expressions.length === 0) continue;
    const matched = await match({ expressions, inputs, wanted });
    if (!matched.ok) return matched.failure;
    const broken = expressions[matched.result];
    if (broken !== undefined)
      return failure('body_mismatch', 'check', `the body ${wanted ? 'matches' : 'does not match'} ${broken}`);
  }
  return undefined;
};
