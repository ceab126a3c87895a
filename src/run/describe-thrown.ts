/**
 * Class, code and place of what was thrown: `TypeError ERR_INVALID_CHAR at request.ts:12`. Not its message, which may repeat a
 * header or a secret. Never throws.
 */
export const describeThrown = (thrown: unknown): string => {
  try {
    if (!(thrown instanceof Error)) return `a ${typeof thrown}`;
    const code = 'code' in thrown && typeof thrown.code === 'string' ? ` ${thrown.code}` : '';
    const place = /^ {4}at .*?([\w.-]+\.[cm]?[jt]s:\d+):\d+\)?$/m.exec(thrown.stack ?? '')?.[1];
    return `${thrown.constructor.name}${code}${place === undefined ? '' : ` at ${place}`}`;
  } catch {
    return 'an object that cannot be read';
  }
};
