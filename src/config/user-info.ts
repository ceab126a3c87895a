// URLs are read with blanks before them, with backslashes for slashes, and with more or fewer of these than two.
const userInfo = /^\s*((?:[a-z][a-z0-9+.-]*:(?=[/\\]))?[/\\]*)[^/\\?#]*@/i;

/** Whether a target's text has a user name before its host; a password may stand there too. */
export const hasUserInfo = (text: string): boolean => userInfo.test(text);

/** A target's text without user info. */
export const withoutUserInfo = (text: string): string => text.replace(userInfo, '$1');
