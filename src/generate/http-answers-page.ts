import { page, table } from './markdown.ts';

/** A response that clients were given: who of them takes it, and whether we do. */
type Row = { readonly name: string; readonly ours: boolean; readonly takenBy: readonly string[] };

/** docs/http-answers.md: which HTTP/1.1 and HTTP/2 responses count as an answer, beside what other clients do. `judges` are client names and versions. */
export const httpAnswersPage = (
  rows: readonly Row[],
  http2Rows: readonly Row[],
  judges: Readonly<Record<string, { readonly version: string }>>,
): string => {
  const names = Object.keys(judges);
  const mark = (isTaken: boolean) => (isTaken ? 'yes' : '-');
  const verdicts = (list: readonly Row[]) =>
    table(
      ['Response', ...names, 'Bothways'],
      list.map(({ name, ours, takenBy }) => [name, ...names.map((judge) => mark(takenBy.includes(judge))), mark(ours)]),
    );
  return page(
    '# Which HTTP responses are taken',
    '## HTTP/1.1',
    `Servers of the wild bend the rules of RFC 9112, and clients let them. A probe takes what Go's client takes, so that a target does not change its verdict when it moves from blackbox_exporter; the one exception is the size of the headers, where the limit is Chromium's 256 KiB. A response that is not taken fails with reason \`protocol_error\`, \`headers_too_large\`, \`connection_closed\`, \`connection_reset\` or \`timeout\`, and the detail quotes the bytes at fault.`,
    `Measured with ${Object.entries(judges)
      .map(([name, { version }]) => `${name} ${version}`)
      .join(', ')}: each client got the same bytes on a connection of its own; "yes" means that it used the response.`,
    verdicts(rows),
    '## HTTP/2',
    "Servers bend RFC 9113 too: headers of one connection (`Connection`, `Transfer-Encoding`) in HTTP/2 responses are the most common case, and curl refuses them. A probe takes what Go's client takes, with three exceptions. Header lists may have 256 KiB, all of one response together. Frames may have 16,384 bytes, which is what we allow servers to send. A 304 may name the length of a body that it does not have, as the standard says.",
    'A response that is not taken fails with reason `protocol_error`, `headers_too_large`, `connection_closed`, `connection_reset` or `timeout`. The detail names the header or frame at fault, and the way out: `enable_http2: false` asks the same server over HTTP/1.1. Measured with the same clients; each response came over TLS, on a connection of its own.',
    verdicts(http2Rows),
  );
};
