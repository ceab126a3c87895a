import { http } from './http/http.ts';
import { tcp } from './tcp/tcp.ts';

/** THE table of probers: a row here is all that registers one. */
export const probers = { http, tcp } as const;
