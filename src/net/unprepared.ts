import { type Failure, failure } from '../kernel/reason.ts';
import { codeOf } from './failure.ts';
import { secretUnavailable } from './secrets.ts';

/** The failure of a run whose settings name a secret or a file that cannot be read; by an error of the kit, whose messages hold no values. */
export const unprepared = (error: unknown): Failure => {
  const message = error instanceof Error ? error.message : 'a setting cannot be read';
  return codeOf(error) === secretUnavailable
    ? failure('secret_unavailable', 'setup', message)
    : failure('file_unreadable', 'setup', message);
};
