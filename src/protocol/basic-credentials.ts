/**
 * User and password of a URL as the value of an Authorization header (RFC 7617, section 2); `undefined` for a URL without. A `%` that
 * begins no code stands for itself: passwords are pasted as they are.
 */
export const basicCredentials = ({ username, password }: Pick<URL, 'username' | 'password'>): string | undefined =>
  username === '' && password === ''
    ? undefined
    : `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
