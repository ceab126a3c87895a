import type { Socket } from 'node:net';
import type { Labels } from '../../kernel/check.ts';
import { type Failure, failure } from '../../kernel/reason.ts';
import { type Conversation, conversation } from '../../net/conversation.ts';
import { expandTemplate } from '../../protocol/expand-template.ts';
import { compilePattern, type Groups, type Pattern } from '../../protocol/pattern.ts';
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

const patterns = new WeakMap<Step, Pattern>();

const patternOf = (step: Step): Pattern | undefined => {
  if (step.expect === '') return undefined;
  let pattern = patterns.get(step);
  if (pattern === undefined) {
    const compiled = compilePattern(step.expect);
    // The schema has compiled it before.
    if (!compiled.ok) return undefined;
    pattern = compiled.pattern;
    patterns.set(step, pattern);
  }
  return pattern;
};

/** Goes through the steps of `query_response`: within one, expect, labels, expect_bytes, send, starttls. */
export const dialogue = async (
  first: Socket,
  steps: readonly Step[],
  signal: AbortSignal,
  startTls: StartTls,
): Promise<Dialogue> => {
  let socket = first;
  let talk = conversation(socket, signal);
  let labels: Labels | undefined;
  const end = (failures: readonly Failure[], flags: { regex?: true; bytes?: true } = {}): Dialogue => ({
    socket,
    failures,
    failedByRegex: flags.regex === true,
    failedByBytes: flags.bytes === true,
    labels,
  });
  for (const [index, step] of steps.entries()) {
    let groups: Groups | undefined;
    const pattern = patternOf(step);
    if (pattern !== undefined) {
      const expected = await expectLine(talk, pattern, step.expect, index);
      if ('failure' in expected) return end([expected.failure], expected.byRegex ? { regex: true } : {});
      groups = expected.groups;
      if (step.labels.length > 0) labels = { ...labels, ...labelsOf(step, groups) };
    }
    if (step.expect_bytes !== '') {
      const wrong = await expectBytes(talk, step.expect_bytes, index);
      if (wrong !== undefined) return end([wrong.failure], wrong.byBytes ? { bytes: true } : {});
    }
    if (step.send !== '')
      talk.write(Buffer.from(`${groups === undefined ? step.send : expandTemplate(step.send, groups)}\n`, 'utf8'));
    if (step.starttls) {
      if (!talk.release())
        return end([
          failure('protocol_error', 'tls', `step ${index + 1}: the peer said more before the TLS handshake`),
        ]);
      const secured = await startTls(socket);
      if ('failures' in secured) return end(secured.failures);
      socket = secured.socket;
      talk = conversation(socket, signal);
    }
  }
  talk.release();
  return end([]);
};

type Expected = { readonly groups: Groups } | { readonly failure: Failure; readonly byRegex: boolean };

const expectLine = async (talk: Conversation, pattern: Pattern, text: string, index: number): Promise<Expected> => {
  for (;;) {
    const read = await talk.line();
    if (read.kind === 'failed') return { failure: read.failure, byRegex: false };
    const groups = pattern.groups(read.kind === 'end' ? read.rest : read.bytes);
    if (groups !== undefined && !(read.kind === 'end' && read.rest.length === 0)) return { groups };
    if (read.kind === 'end') {
      const detail = `step ${index + 1}: the peer closed the connection without a line that matches ${text}`;
      return { failure: failure('expect_mismatch', 'check', detail), byRegex: true };
    }
  }
};

const expectBytes = async (
  talk: Conversation,
  text: string,
  index: number,
): Promise<{ readonly failure: Failure; readonly byBytes: boolean } | undefined> => {
  const wanted = Buffer.from(text, 'utf8');
  const read = await talk.bytes(wanted.length);
  if (read.kind === 'failed') return { failure: read.failure, byBytes: false };
  if (read.kind === 'bytes' && wanted.equals(read.bytes)) return undefined;
  const detail =
    read.kind === 'end'
      ? `step ${index + 1}: the peer closed the connection after ${read.rest.length} of ${wanted.length} expected bytes`
      : `step ${index + 1}: the peer sent other bytes than the ${wanted.length} expected`;
  return { failure: failure('expect_mismatch', 'check', detail), byBytes: read.kind === 'bytes' };
};

const labelsOf = ({ labels }: Step, groups: Groups): Labels =>
  Object.fromEntries(labels.map(({ name, value }) => [name, expandTemplate(value, groups)]));
