import { dns } from './dns/dns.ts';
import { http } from './http/http.ts';
import { icmp } from './icmp/icmp.ts';
import { mtr } from './mtr/mtr.ts';
import { tcp } from './tcp/tcp.ts';

/** THE table of probers: a row here is all that registers one. */
export const probers = { dns, http, icmp, mtr, tcp } as const;
