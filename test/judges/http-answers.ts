/** One response and how its connection ends, for clients to judge. */
export type HttpAnswer = {
  readonly name: string;
  /** Byte text. */
  readonly bytes: string;
  /** How the connection ends: in order (the default), by a reset, or not at all. */
  readonly ends?: 'reset' | 'stall';
  /** Whether we take it. */
  readonly ours: boolean;
  /** The clients that take it, as measured with {@link judges}. */
  readonly takenBy: readonly Judge[];
};

/** The clients that judged, and the versions that did. A newer one may judge otherwise. */
export const judges = {
  'Go (blackbox_exporter)': { peer: 'blackbox-exporter', version: '0.28.0' },
  curl: { peer: 'curl', version: '7.88.1' },
  Chromium: { peer: 'chromium', version: '156.0' },
} as const;

/** A key of {@link judges}. */
export type Judge = keyof typeof judges;

const go = 'Go (blackbox_exporter)';

const head = 'HTTP/1.1 200 OK\r\n';
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
const length = (text: string, body = 'ok') => `${head}Content-Length:${text}\r\n\r\n${body}`;

/** Responses as servers of the wild send them, and who takes them. We follow Go, but for the size of headers, where we follow Chromium. */
export const httpAnswers: readonly HttpAnswer[] = [
  // Status line
  {
    name: 'no reason phrase',
    bytes: 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'an empty reason phrase',
    bytes: 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'two blanks before the status',
    bytes: 'HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a reason phrase in UTF-8',
    bytes: 'HTTP/1.1 200 \xc3\xbc\r\nContent-Length: 2\r\n\r\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  { name: 'HTTP/1.0', bytes: 'HTTP/1.0 200 OK\r\n\r\nok', ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'HTTP/1.2', bytes: 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok', ours: true, takenBy: [go, 'Chromium'] },
  {
    name: 'HTTP/2.0 in HTTP/1 form',
    bytes: 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a lower-case protocol',
    bytes: 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  { name: 'no version', bytes: 'HTTP 200 OK\r\nContent-Length: 2\r\n\r\nok', ours: false, takenBy: ['Chromium'] },
  { name: 'RTSP', bytes: 'RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', ours: false, takenBy: [] },
  { name: 'ICY (Shoutcast)', bytes: 'ICY 200 OK\r\nContent-Length: 2\r\n\r\nok', ours: false, takenBy: ['Chromium'] },
  { name: 'an empty line first', bytes: `\r\n${length(' 2')}`, ours: false, takenBy: ['Chromium'] },
  { name: 'a status of two digits', bytes: 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok', ours: false, takenBy: [] },
  {
    name: 'a status of four digits',
    bytes: 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok',
    ours: false,
    takenBy: [],
  },
  { name: 'text alone, as HTTP/0.9', bytes: 'hello', ours: false, takenBy: [] },
  // Header lines
  {
    name: 'lines that end with LF',
    bytes: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a folded header',
    bytes: `${head}X: a\r\n b\r\nContent-Length: 2\r\n\r\nok`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a folded first header',
    bytes: `${head} X: a\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'a blank before the colon',
    bytes: `${head}X : a\r\nContent-Length: 2\r\n\r\nok`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a blank inside a name',
    bytes: `${head}X Y: a\r\nContent-Length: 2\r\n\r\nok`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a bracket in a name',
    bytes: `${head}X(Y): a\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'an empty name',
    bytes: `${head}: a\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'a line without a colon',
    bytes: `${head}nonsense\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'a value in UTF-8',
    bytes: `${head}X: \xc3\xbc\r\nContent-Length: 2\r\n\r\nok`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  { name: 'a NUL in a value', bytes: `${head}X: a\0b\r\nContent-Length: 2\r\n\r\nok`, ours: false, takenBy: [] },
  {
    name: 'a bare CR in a value',
    bytes: `${head}X: a\rb\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'an escape character in a value',
    bytes: `${head}X: a\x1bb\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'headers of 200 KB',
    bytes: `${head}${`X: ${'y'.repeat(996)}\r\n`.repeat(200)}Content-Length: 2\r\n\r\nok`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'headers of 300 KB',
    bytes: `${head}${`X: ${'y'.repeat(996)}\r\n`.repeat(300)}Content-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: [go, 'curl'],
  },
  { name: 'a head that is cut', bytes: `${head}Content-Length: 2\r\n`, ours: false, takenBy: ['Chromium'] },
  // Interim responses
  {
    name: '100 that nobody asked for',
    bytes: `HTTP/1.1 100 Continue\r\n\r\n${length(' 2')}`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: '103 twice',
    bytes: `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(2)}${length(' 2')}`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: '103 ten times',
    bytes: `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10)}${length(' 2')}`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: '103 a hundred times',
    bytes: `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)}${length(' 2')}`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  { name: '100 and then nothing', bytes: 'HTTP/1.1 100 Continue\r\n\r\n', ours: false, takenBy: [] },
  // Content-Length
  {
    name: 'two equal lengths',
    bytes: `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'two different lengths',
    bytes: `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`,
    ours: false,
    takenBy: [],
  },
  { name: 'a list of equal lengths', bytes: length(' 2, 2'), ours: false, takenBy: ['curl', 'Chromium'] },
  { name: 'a length with blanks', bytes: length('  2  '), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'a length with zeros before it', bytes: length(' 002'), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'a length with a sign', bytes: length(' +2'), ours: false, takenBy: ['curl', 'Chromium'] },
  { name: 'a negative length', bytes: length(' -2'), ours: false, takenBy: ['Chromium'] },
  { name: 'an empty length, until the connection ends', bytes: length(''), ours: true, takenBy: [go, 'Chromium'] },
  { name: 'a length that is not a number', bytes: length(' two'), ours: false, takenBy: ['Chromium'] },
  { name: 'a length of 20 digits', bytes: length(' 99999999999999999999'), ours: false, takenBy: ['curl', 'Chromium'] },
  { name: 'more than the length', bytes: length(' 2', 'okay'), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'less than the length', bytes: length(' 3'), ours: false, takenBy: [] },
  { name: 'less than the length, then a reset', bytes: length(' 3'), ends: 'reset', ours: false, takenBy: [] },
  { name: 'less than the length, then nothing', bytes: length(' 3'), ends: 'stall', ours: false, takenBy: [] },
  // Bodies that end with the connection
  { name: 'no length, closed in order', bytes: `${head}\r\nok`, ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'no length, reset', bytes: `${head}\r\nok`, ends: 'reset', ours: false, takenBy: [] },
  { name: 'no length, never closed', bytes: `${head}\r\nok`, ends: 'stall', ours: false, takenBy: [] },
  // Chunks
  { name: 'chunks', bytes: `${chunked}2\r\nok\r\n0\r\n\r\n`, ours: true, takenBy: [go, 'curl', 'Chromium'] },
  {
    name: 'chunks and a length',
    bytes: `${head}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'chunks in HTTP/1.0',
    bytes: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'Chunked with a capital',
    bytes: `${head}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'gzip, chunked',
    bytes: `${head}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'identity',
    bytes: `${head}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'chunked twice',
    bytes: `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'a chunk extension',
    bytes: `${chunked}2;a="b"\r\nok\r\n0\r\n\r\n`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a blank behind the size of a chunk',
    bytes: `${chunked}2 \r\nok\r\n0\r\n\r\n`,
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  { name: 'a blank before the size of a chunk', bytes: `${chunked} 2\r\nok\r\n0\r\n\r\n`, ours: false, takenBy: [] },
  {
    name: 'LF alone behind the size of a chunk',
    bytes: `${chunked}2\nok\r\n0\r\n\r\n`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  {
    name: 'LF alone behind the data of a chunk',
    bytes: `${chunked}2\r\nok\n0\r\n\r\n`,
    ours: false,
    takenBy: ['curl', 'Chromium'],
  },
  { name: 'a size with 0x', bytes: `${chunked}0x2\r\nok\r\n0\r\n\r\n`, ours: false, takenBy: [] },
  { name: 'a negative size', bytes: `${chunked}-2\r\nok\r\n0\r\n\r\n`, ours: false, takenBy: [] },
  {
    name: 'a size of 17 digits',
    bytes: `${chunked}00000000000000002\r\nok\r\n0\r\n\r\n`,
    ours: false,
    takenBy: ['Chromium'],
  },
  { name: 'trailers', bytes: `${chunked}2\r\nok\r\n0\r\nX: y\r\n\r\n`, ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'no empty line behind the last chunk', bytes: `${chunked}2\r\nok\r\n0\r\n`, ours: false, takenBy: [] },
  { name: 'no last chunk', bytes: `${chunked}2\r\nok\r\n`, ours: false, takenBy: [] },
  { name: 'no last chunk, then a reset', bytes: `${chunked}2\r\nok\r\n`, ends: 'reset', ours: false, takenBy: [] },
  { name: 'a chunk that is cut', bytes: `${chunked}9\r\nok`, ours: false, takenBy: [] },
  // No body
  {
    name: '204 with a body',
    bytes: 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: '204 that keeps its connection',
    bytes: 'HTTP/1.1 204 No Content\r\n\r\n',
    ends: 'stall',
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
];
