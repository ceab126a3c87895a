import { openSync, read, write } from 'node:fs';
import koffi from 'koffi';
import { type Manners, respond } from './respond.ts';

/**
 * A network of badly behaved hosts behind a TUN device of its namespace: `node responder.ts '{"2":{"times":3}}'`. The keys are
 * the last bytes of addresses in 10.97.0.0/24. It says `ready` when the device is there; `ip` gives it its addresses.
 */
// safe: written by the tests
const hosts = JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<string, Manners>>;
const device = openSync('/dev/net/tun', 'r+');
const request = Buffer.alloc(40);
request.write('bad0');
// IFF_TUN and IFF_NO_PI (linux/if_tun.h): IP packets as they are.
request.writeUInt16LE(0x1001, 16);
const ioctl = koffi.load(null).func('int ioctl(int, unsigned long, void *)');
if (ioctl(device, 0x400454ca, request) < 0) throw new Error(`TUNSETIFF: ${koffi.errno()}`);
const counts = new Map<number, number>();
const buffer = Buffer.alloc(2_048);

const next = () => {
  read(device, buffer, 0, buffer.length, null, (error, length) => {
    if (error !== null) return;
    const packet = new Uint8Array(buffer.subarray(0, length));
    const host = packet[19] ?? 0;
    const manners = hosts[String(host)];
    const count = counts.get(host) ?? 0;
    counts.set(host, count + 1);
    for (const answer of manners === undefined ? [] : respond(packet, manners, count)) {
      const send = () => write(device, answer.packet, () => {});
      if (answer.afterMs === 0) send();
      else setTimeout(send, answer.afterMs);
    }
    next();
  });
};
next();
// A read that waits for the device would hold up an orderly end; whoever started this has gone when its input ends.
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
console.log('ready');
