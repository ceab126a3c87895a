const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The three forms, each with day, month, year and time of day in that order. */
const forms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  // Sunday, 06-Nov-94 08:49:37 GMT
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) (?:GMT|UTC)$/,
  // Sun Nov  6 08:49:37 1994
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
];

/**
 * The moment of an HTTP date in Unix seconds, or `undefined` for any other text. Years of two digits are those of 1969 to 2068, as Go
 * reads them.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
 */
export const httpDate = (text: string): number | undefined => {
  for (const form of forms) {
    const { day = '', month = '', year = '', time = '' } = form.exec(text)?.groups ?? {};
    const number = months.indexOf(month);
    if (number === -1) continue;
    const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number);
    const full = year.length === 2 ? Number(year) + (Number(year) >= 69 ? 1_900 : 2_000) : Number(year);
    const date = new Date(Date.UTC(full, number, Number(day), hour, minute, second));
    // Years below 100 are not those of the first century to Date.UTC.
    date.setUTCFullYear(full);
    const isReal = date.getUTCDate() === Number(day) && hour < 24 && minute < 60 && second < 60;
    return isReal ? date.getTime() / 1_000 : undefined;
  }
  return undefined;
};
