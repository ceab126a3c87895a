import type { Manners } from '../../lab/respond.ts';
import { at, type HostilePeer } from '../peer.ts';

const peer = (
  name: string,
  does: string,
  manners: Manners,
  expect: HostilePeer['expect'],
  module: Readonly<Record<string, unknown>> = {},
): HostilePeer => ({
  name,
  group: 'icmp',
  does,
  manners,
  target: at.host,
  module: { prober: 'icmp', icmp: module },
  expect,
});

/** Hosts that answer pings badly. They stand in the network lab, which needs root. */
export const icmpPeers: readonly HostilePeer[] = [
  peer('icmp-honest', 'one answer, to show that the host can', {}, ['good']),
  peer('icmp-thousandfold', 'each request is answered 1,000 times', { times: 1_000 }, ['good']),
  peer('icmp-forged', 'answers with another payload', { isForged: true }, ['no_reply']),
  peer('icmp-forged-flood', 'the same, 1,000 times', { isForged: true, times: 1_000 }, ['no_reply']),
  peer('icmp-elsewhere', 'answers come from another host', { from: 250 }, ['no_reply']),
  peer('icmp-cut', 'answers end in the middle of the payload', { cutTo: 4 }, ['no_reply']),
  peer('icmp-empty', 'answers have no payload', { cutTo: 0 }, ['no_reply']),
  peer('icmp-quote-none', '"time exceeded" that quotes nothing', { quoted: 0 }, ['no_reply']),
  peer('icmp-quote-8', '"time exceeded" though the time to live was enough', { quoted: 8 }, [
    'ttl_exceeded',
    'no_reply',
  ]),
  peer('icmp-exceeded-flood', 'the same, 1,000 times', { quoted: 8, times: 1_000 }, ['ttl_exceeded', 'no_reply']),
  peer('icmp-late', 'answers after two seconds and more', { delayMs: 2_500 }, ['no_reply']),
  peer('icmp-half', 'answers every other request', { dropEvery: 2 }, ['packet_loss'], {
    count: 4,
    interval: '100ms',
    max_loss_ratio: 0.2,
  }),
];
