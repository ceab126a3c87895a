import { expressionSize } from './expression-size.ts';
import { compilePattern, type Pattern } from './pattern.ts';

/** What is kept together: so many expressions, and so many instructions of them. */
const most = { patterns: 1_000, instructions: 100_000 };

type Kept = { readonly pattern: Pattern; readonly instructions: number };

const kept = new Map<string, Kept>();
let instructions = 0;

/**
 * The compiled form of an expression that a schema has let through, kept for the next use; the one that was used longest ago makes room.
 * Throws if the expression does not compile.
 */
export const patternFor = (text: string): Pattern => {
  const known = kept.get(text);
  if (known !== undefined) {
    kept.delete(text);
    kept.set(text, known);
    return known.pattern;
  }
  const compiled = compilePattern(text);
  if (!compiled.ok) throw new Error('an expression that the schema let through does not compile');
  const size = expressionSize(text).instructions;
  kept.set(text, { pattern: compiled.pattern, instructions: size });
  instructions += size;
  for (const [oldest, { instructions: its }] of kept) {
    if (kept.size <= most.patterns && instructions <= most.instructions) break;
    kept.delete(oldest);
    instructions -= its;
  }
  return compiled.pattern;
};
