import { createHash, timingSafeEqual } from 'node:crypto';
import type { ComparePassword } from './bcrypt-thread.ts';
import type { Locks, Verdict } from './locks.ts';
import { passwordCheck } from './password-check.ts';

/**
 * Makes the check of Authorization headers: those in `plain` admit as they are, and Basic ones by the bcrypt hashes of
 * `users`. Plain ones are compared by hash, so that neither content nor length follows from the time it takes.
 */
export const admitting = (
  plain: readonly string[],
  users: ReadonlyMap<string, string>,
  compare: ComparePassword,
): NonNullable<Locks['admits']> => {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const hashes = plain.map(hash);
  const checkPassword = users.size === 0 ? undefined : passwordCheck(users, compare);
  return async (authorization, peer): Promise<Verdict> => {
    const [scheme = '', value = ''] = /^(\S+) +(.*)$/.exec(authorization ?? '')?.slice(1) ?? [];
    // The scheme is in any case (RFC 9110, section 11.1).
    const given = hash(`${{ basic: 'Basic', bearer: 'Bearer' }[scheme.toLowerCase()] ?? scheme} ${value}`);
    if (hashes.filter((one) => timingSafeEqual(one, given)).length > 0) return 'admitted';
    if (checkPassword === undefined || scheme.toLowerCase() !== 'basic') return 'refused';
    const text = Buffer.from(value, 'base64').toString();
    const colon = text.indexOf(':');
    return colon === -1 ? 'refused' : checkPassword(text.slice(0, colon), text.slice(colon + 1), peer);
  };
};
