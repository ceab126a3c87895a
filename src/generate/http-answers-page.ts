import { page, table } from './markdown.ts';

/** A response that clients were given: who of them takes it, and whether we do. */
type Row = { readonly name: string; readonly ours: boolean; readonly takenBy: readonly string[] };

/** docs/http-answers.md: which HTTP/1.1 responses count as an answer, beside what other clients do. `judges` are client names and versions. */
export const httpAnswersPage = (
  rows: readonly Row[],
  judges: Readonly<Record<string, { readonly version: string }>>,
): string => {
  const names = Object.keys(judges);
  const mark = (isTaken: boolean) => (isTaken ? 'yes' : '-');
  return page(
    '# Which HTTP/1.1 responses are taken',
    `Servers of the wild bend the rules of RFC 9112, and clients let them. A probe takes what Go's client takes, so that a target does not change its verdict when it moves from blackbox_exporter; the one exception is the size of the headers, where the limit is Chromium's 256 KiB. A response that is not taken fails with reason \`protocol_error\`, \`headers_too_large\`, \`connection_closed\`, \`connection_reset\` or \`timeout\`, and the detail quotes the bytes at fault.`,
    `Measured with ${Object.entries(judges)
      .map(([name, { version }]) => `${name} ${version}`)
      .join(', ')}: each client got the same bytes on a connection of its own; "yes" means that it used the response.`,
    table(
      ['Response', ...names, 'Bothways'],
      rows.map(({ name, ours, takenBy }) => [name, ...names.map((judge) => mark(takenBy.includes(judge))), mark(ours)]),
    ),
  );
};
