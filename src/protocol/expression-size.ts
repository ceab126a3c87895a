/**
 * How large the program of a regular expression will be, read from its text alone, since compiling a huge one would take the time that
 * this is to save. `instructions` is at least what RE2 compiles, within a few; `ranges` counts the ranges of characters in its classes;
 * `foldedClasses` counts the classes whose case folding RE2 computes character by character; `isLiteral` means plain text.
 */
export type ExpressionSize = {
  readonly instructions: number;
  readonly ranges: number;
  readonly foldedClasses: number;
  readonly isLiteral: boolean;
};

/** Measures any text in linear time, valid expression or not. Never throws. */
export const expressionSize = (text: string): ExpressionSize => {
  const frames: Frame[] = [newFrame()];
  const folds = /\(\?[a-zA-Z]*i/.test(text);
  let foldedClasses = 0;
  for (let at = 0; at < text.length; ) {
    // safe: the first frame is never popped
    const frame = frames.at(-1) as Frame;
    const char = text[at];
    if (char === '\\') at = readEscape(text, at, frame);
    else if (char === '[') {
      const end = classEnd(text, at);
      const inside = text.slice(at, end);
      if (folds && /[\\\u0080-\uffff]/.test(inside)) foldedClasses += 1;
      const properties = inside.match(/\\[pP]/g)?.length ?? 0;
      push(frame, 1, inside.length + properties * rangesOfProperty);
      at = end;
    } else if (char === '(') {
      const [, flags = '', closes] = /^\(\?(?:P?<[^>]*>|([^:()<>]*)([:)]))?/.exec(text.slice(at, at + 80)) ?? [];
      at += groupStart(text, at);
      if (closes !== ')' || flags === '') frames.push(newFrame());
    } else if (char === ')') {
      at += 1;
      if (frames.length > 1) close(frames);
    } else if (char === '|') {
      push(frame, 0, 0);
      frame.instructions += 2;
      at += 1;
    } else if (char === '*' || char === '+' || char === '?') {
      // A star over what may be nothing takes two.
      frame.last.instructions += 2;
      at += 1;
    } else if (char === '{') at = repeat(text, at, frame);
    else {
      push(frame, 1, 2);
      at += 1;
    }
  }
  while (frames.length > 1) close(frames);
  const [whole = newFrame()] = frames;
  return {
    // One to fail, one to match, and one for a text of nothing.
    instructions: whole.instructions + whole.last.instructions + 3,
    ranges: whole.ranges + whole.last.ranges,
    foldedClasses,
    isLiteral: text !== '' && !/[\\^$.*+?()[\]{}|]/.test(text),
  };
};

type Size = { instructions: number; ranges: number };

/** A group that is being read: all but its last piece, and that one, which a repeat may still multiply. */
type Frame = Size & { last: Size };

const newFrame = (): Frame => ({ instructions: 0, ranges: 0, last: { instructions: 0, ranges: 0 } });

const push = (frame: Frame, instructions: number, ranges: number): void => {
  frame.instructions += frame.last.instructions;
  frame.ranges += frame.last.ranges;
  frame.last = { instructions, ranges };
};

const close = (frames: Frame[]): void => {
  const inner = frames.pop() ?? newFrame();
  // safe: the caller looks at the number of frames
  const outer = frames.at(-1) as Frame;
  // Two for the capture, and one for a group of nothing.
  push(outer, inner.instructions + inner.last.instructions + 3, inner.ranges + inner.last.ranges);
};

/** Ranges of `\pL`, one of the largest properties of Unicode. */
const rangesOfProperty = 700;

/** Reads what begins with a backslash; gives where it ends. */
const readEscape = (text: string, at: number, frame: Frame): number => {
  const next = text[at + 1];
  if (next === 'Q') {
    const found = text.indexOf('\\E', at + 2);
    const end = found === -1 ? text.length : found;
    for (let index = at + 2; index < end; index += 1) push(frame, 1, 2);
    return found === -1 ? end : end + 2;
  }
  const isProperty = next === 'p' || next === 'P';
  push(frame, 1, isProperty ? rangesOfProperty : 8);
  const isLong = (isProperty || next === 'x') && text[at + 2] === '{';
  const end = isLong ? text.indexOf('}', at + 3) : -1;
  if (end !== -1) return end + 1;
  return at + (isProperty ? 3 : 2);
};

/** Where a class ends: behind its bracket, which may come first as a member, be escaped, or close the name of a POSIX class. */
const classEnd = (text: string, start: number): number => {
  let at = start + 1;
  if (text[at] === '^') at += 1;
  if (text[at] === ']') at += 1;
  while (at < text.length && text[at] !== ']') {
    if (text[at] === '\\') at += 2;
    else if (text.startsWith('[:', at)) {
      const end = text.indexOf(':]', at + 2);
      at = end === -1 ? at + 1 : end + 2;
    } else at += 1;
  }
  return Math.min(at + 1, text.length);
};

/** Length of what opens a group: `(`, `(?i:`, `(?P<name>`, or all of `(?i)`. */
const groupStart = (text: string, at: number): number => {
  const [whole] = /^\((?:\?(?:P?<[^>]*>|[^:()<>]*[:)])?)?/.exec(text.slice(at, at + 80)) ?? ['('];
  return whole.length;
};

/** Multiplies the last piece. Braces that are no repeat are text. */
const repeat = (text: string, at: number, frame: Frame): number => {
  const [whole, least = '0', , most] = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(text.slice(at, at + 20)) ?? [];
  if (whole === undefined) {
    push(frame, 1, 2);
    return at + 1;
  }
  const times = Math.max(1, Number(least), Number(most ?? 0));
  const optional = most === undefined ? 0 : times;
  frame.last = {
    instructions: frame.last.instructions * times + optional + 2,
    ranges: frame.last.ranges * times,
  };
  return at + whole.length;
};
