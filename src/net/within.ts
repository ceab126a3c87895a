/**
 * What `work` gives, or a rejection with the signal's reason as soon as the signal fires, whatever `work` does then.
 * For requests of undici: one that waits for its connection does not look at its signal (8.12), and is dropped unsent once it does.
 */
export const within = async <T>(
  signal: AbortSignal,
  work: Promise<T>,
  why: () => unknown = () => signal.reason,
): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const stop = () => late.reject(why());
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
};
