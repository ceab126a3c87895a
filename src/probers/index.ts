import { dns } from './dns/dns.ts';
import { http } from './http/http.ts';
import { tcp } from './tcp/tcp.ts';

/** THE table of probers: a row here is all that registers one. */
export const probers = { dns, http, tcp } as const;
