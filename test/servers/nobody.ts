/** Does some work as a user who may not read what only its owner may: root may read everything, so it is somebody else for a moment. */
export const asNobody = async <T>(work: () => T | Promise<T>): Promise<T> => {
  if (process.geteuid?.() !== 0) return await work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
};
