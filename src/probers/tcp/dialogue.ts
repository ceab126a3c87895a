import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Labels } from '../../kernel/check.ts';
import { type Failure, failure } from '../../kernel/reason.ts';
import { type Conversation, conversation } from '../../net/conversation.ts';
import { matcher } from '../../net/matcher.ts';
import type { Context } from '../../net/prober.ts';
import { expandTemplate } from '../../protocol/expand-template.ts';
import { type Mask, maskedStart } from '../../protocol/mask.ts';
import type { Groups } from '../../protocol/pattern.ts';
import { rawBytesOf } from '../../protocol/raw-bytes.ts';
import type { TcpSettings } from './settings.ts';

type Step = TcpSettings['query_response'][number];

/** What became of a dialogue. The two flags are blackbox_exporter's `probe_failed_due_to_…`. */
export type Dialogue = {
  readonly socket: Socket;
  readonly failures: readonly Failure[];
  readonly failedByRegex: boolean;
  readonly failedByBytes: boolean;
  readonly labels: Labels | undefined;
};

/** Secures the socket in the middle of the dialogue: the socket to go on with, or why there is none. */
export type StartTls = (
  socket: Socket,
) => Promise<{ readonly socket: Socket } | { readonly failures: readonly Failure[] }>;

/**
 * Goes through the steps of `query_response`: within one, expect, labels, expect_bytes, send, starttls. `sends` are the texts to send,
 * step by step; `key` names the check.
 */
export const dialogue = async (
  first: Socket,
  steps: readonly Step[],
  sends: readonly string[],
  context: Context,
  key: string,
  startTls: StartTls,
): Promise<Dialogue> => {
  let socket = first;
  let talk = conversation(socket, context.signal);
  let labels: Labels | undefined;
  let lastLine = '';
  const end = (failures: readonly Failure[], flags: { regex?: true; bytes?: true } = {}): Dialogue => ({
    socket,
    failures,
    failedByRegex: flags.regex === true,
    failedByBytes: flags.bytes === true,
    labels,
  });
  for (const [index, step] of steps.entries()) {
    let groups: Groups | undefined;
    if (step.expect !== '') {
      const expected = await expectLine(talk, step.expect, index, context, key);
      if ('failure' in expected) return end([expected.failure], expected.byRegex ? { regex: true } : {});
      ({ groups, line: lastLine } = expected);
      if (step.labels.length > 0) labels = { ...labels, ...labelsOf(step, groups, context.mask) };
    }
    if (step.expect_bytes !== '') {
      const wrong = await expectBytes(talk, step.expect_bytes, index);
      if (wrong !== undefined) return end([wrong.failure], wrong.byBytes ? { bytes: true } : {});
    }
    const send = sends[index] ?? '';
    if (send !== '') {
      // A secret may hold a $ itself.
      // The LF is blackbox_exporter's, after whatever is sent.
      const line = `${groups === undefined || typeof step.send !== 'string' ? send : expandTemplate(send, groups)}\n`;
      const unsent = await talk.write(rawBytesOf(line));
      if (unsent !== undefined) return end([unsent]);
    }
    if (step.starttls) {
      const unfinished = await endOfReply(talk, lastLine, index);
      if (unfinished !== undefined) return end([unfinished]);
      if (!talk.release())
        return end([
          failure('protocol_error', 'tls', `step ${index + 1}: the peer said more before the TLS handshake`),
        ]);
      const secured = await startTls(socket);
      if ('failures' in secured) return end(secured.failures);
      socket = secured.socket;
      talk = conversation(socket, context.signal);
    }
  }
  talk.release();
  return end([]);
};

/** A reply of several lines, as SMTP and FTP have them, whose first one was expected: the handshake begins behind its last. */
const endOfReply = async (talk: Conversation, first: string, index: number): Promise<Failure | undefined> => {
  const [, code] = /^(\d{3})-/.exec(first) ?? [];
  if (code === undefined) return undefined;
  for (let lines = 1; lines <= mostOfReply; lines += 1) {
    const read = await talk.line();
    if (read.kind === 'failed') return read.failure;
    if (read.kind === 'end') return unsaid(index, lines - 1);
    if (Buffer.from(read.bytes).toString('latin1').startsWith(`${code} `)) return undefined;
  }
  return failure('protocol_error', 'transfer', `step ${index + 1}: a reply of more than ${mostOfReply} lines`);
};

/** Lines of one reply (RFC 5321, section 4.2.1). */
const mostOfReply = 1_000;

type Expected =
  | { readonly groups: Groups; readonly line: string }
  | { readonly failure: Failure; readonly byRegex: boolean };

/** Lines that do not match are skipped, but not for ever: in bytes. */
const mostSkipped = 10 * 1_024 * 1_024;

/** Lines after which other probes get their turn, and the time limit its chance. */
const linesPerTurn = 256;

/** Skipped lines that are shown in the trace. */
const linesTraced = 5;

const expectLine = async (
  talk: Conversation,
  expression: string,
  index: number,
  { kit, signal, trace, mask }: Context,
  key: string,
): Promise<Expected> => {
  const { run: match } = kit.own('matcher', matcher);
  let skipped = 0;
  for (let lines = 1; ; lines += 1) {
    const read = await talk.line();
    if (read.kind === 'failed') return { failure: read.failure, byRegex: false };
    if (read.kind === 'end' && read.rest.length === 0) return { failure: unsaid(index, lines - 1), byRegex: true };
    const line = read.kind === 'end' ? read.rest : read.bytes;
    // A copy: a view would take all that was read with it along to a thread.
    const matched = await match('capture', { expression, input: new Uint8Array(line) }, { key, signal });
    if (!matched.ok) return { failure: matched.failure, byRegex: false };
    const { result: groups } = matched;
    if (groups !== undefined) {
      trace('matched', { step: index + 1, line: textOf(line, mask) });
      return { groups, line: Buffer.from(line.subarray(0, 4)).toString('latin1') };
    }
    if (read.kind === 'end') return { failure: unsaid(index, lines), byRegex: true };
    if (lines <= linesTraced) trace('skipped', { step: index + 1, line: textOf(line, mask) });
    skipped += line.length + 1;
    if (skipped > mostSkipped) {
      const detail = `step ${index + 1}: none of the first ${lines} lines matches`;
      return { failure: failure('expect_mismatch', 'check', detail), byRegex: false };
    }
    if (lines % linesPerTurn === 0) await setImmediate();
  }
};

const textOf = (line: Uint8Array, mask: Mask): string =>
  maskedStart(Buffer.from(line.subarray(0, 400)).toString('utf8'), mask, 200, line.length > 400);

/** The peer closed the connection too early. */
const unsaid = (index: number, lines: number): Failure =>
  lines === 0
    ? failure('connection_closed', 'transfer', `step ${index + 1}: the peer closed the connection and said nothing`)
    : failure('expect_mismatch', 'check', `step ${index + 1}: the peer said ${lines} lines, and none matches`);

const expectBytes = async (
  talk: Conversation,
  text: string,
  index: number,
): Promise<{ readonly failure: Failure; readonly byBytes: boolean } | undefined> => {
  const wanted = rawBytesOf(text);
  const read = await talk.bytes(wanted.length);
  if (read.kind === 'failed') return { failure: read.failure, byBytes: false };
  if (read.kind === 'bytes' && wanted.equals(read.bytes)) return undefined;
  if (read.kind === 'end') {
    const detail = `the peer closed the connection after ${read.rest.length} of ${wanted.length} expected bytes`;
    return { failure: failure('connection_closed', 'transfer', `step ${index + 1}: ${detail}`), byBytes: false };
  }
  const detail = `step ${index + 1}: the peer sent other bytes than the ${wanted.length} expected`;
  return { failure: failure('expect_mismatch', 'check', detail), byBytes: true };
};

/** A label is kept shorter than this; the rest of a capture is not looked at for secrets. */
const mostCaptured = 4_096;

const labelsOf = ({ labels }: Step, groups: Groups, mask: Mask): Labels =>
  Object.fromEntries(
    labels.map(({ name, value }) => [name, mask(expandTemplate(value, groups).slice(0, mostCaptured))]),
  );
