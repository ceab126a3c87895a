/** What a delivery adds to, all zero; see `Counts`. */
export const emptyTally = () => ({
  accepted: 0,
  dropped: 0,
  rejected: {} as Record<string, number>,
  lost: {} as Record<string, number>,
  requests: 0,
  retries: 0,
  // safe: filled in as answers come
  lastProblem: undefined as string | undefined,
  lastStatus: undefined as number | undefined,
  skewMs: undefined as number | undefined,
});

/** Adds to one entry of a table of counts. */
export const count = (table: Record<string, number>, key: string, by: number): void => {
  table[key] = (table[key] ?? 0) + by;
};
