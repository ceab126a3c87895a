/** An error about a file or text that settings name. The message is a sentence which names it, and holds nothing of its content. */
export const unusable = (message: string, code: string): Error =>
  Object.assign(new Error(message), { code, isUnusable: true });

/** The sentence of an error that {@link unusable} made; `undefined` for any other. */
export const whyUnusable = (error: unknown): string | undefined =>
  error instanceof Error && 'isUnusable' in error ? error.message : undefined;
