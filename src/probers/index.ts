import { http } from './http/http.ts';

/** THE table of probers: a row here is all that registers one. */
export const probers = { http } as const;
