/**
 * The known word that `word` most likely stands for: fewest insertions, deletions, replacements and swaps of neighbours;
 * `undefined` when all are further away than a third of the longer word. Upper and lower case count as the same.
 */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  const seen = word.slice(0, longest).toLowerCase();
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const limit = Math.max(1, Math.floor(Math.max(seen.length, candidate.length) / 3));
    if (Math.abs(seen.length - candidate.length) > limit) continue;
    const steps = distance(seen, candidate.toLowerCase());
    if (steps > limit || steps >= fewest) continue;
    best = candidate;
    fewest = steps;
  }
  return best;
};

/** Longer words are cut, since the work grows with the product of both lengths. */
const longest = 64;

/** Optimal string alignment distance, one row at a time. */
const distance = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let steps = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) steps = Math.min(steps, (beforeLast[j - 2] ?? 0) + 1);
      row.push(steps);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? a.length;
};
