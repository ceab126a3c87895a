/** THE table of probers: a row here is all that registers one. */
export const probers = {} as const;
