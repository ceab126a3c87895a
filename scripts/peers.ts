import { join } from 'node:path';
import { type PeerRow, peerTable } from '../test/servers/peer-table.ts';
import { findPeer, isCi, type Peer, peersFolder } from '../test/servers/peers.ts';
import { hasApt, privateApt } from './apt.ts';

/**
 * Sees to it that the programs which tests run beside ours are there. On Debian it downloads and unpacks what is missing
 * into a cache folder, and installs nothing; elsewhere it says what is missing. Exits 1 for that in CI only.
 */
const rows = Object.entries<PeerRow>(peerTable);
const find = () => Promise.all(rows.map(async ([name, row]) => ({ name, row, peer: await findPeer(row) })));
type Found = { readonly name: string; readonly row: PeerRow; readonly peer: Peer };

const fetchMissing = async (missing: readonly Found[]): Promise<void> => {
  if (!(await hasApt())) return say('peers: there is no apt-get and dpkg here, so nothing is fetched');
  const folder = peersFolder();
  for (const suite of new Set(missing.map(({ row }) => row.suite))) {
    const wanted = missing.filter(({ row, peer }) => row.suite === suite && !isNamed(row, peer));
    if (wanted.length === 0) continue;
    say(`peers: getting ${wanted.map(({ name }) => name).join(', ')} from Debian's ${suite ?? 'archive'} …`);
    try {
      await using apt = await privateApt(join(folder, '..'), suite);
      for (const { row } of wanted) await apt.unpack(row, folder);
    } catch (error) {
      say(`peers: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
};

/** Whoever names a path by hand wants that one or none. */
const isNamed = (row: PeerRow, peer: Peer) => peer.missing?.startsWith(`${row.variable} names`) === true;

const say = (text: string) => console.log(text);

const before = await find();
const missing = before.filter(({ peer }) => peer.missing !== undefined);
if (missing.length > 0) await fetchMissing(missing);

const width = Math.max(...rows.map(([name]) => name.length));
const after = missing.length > 0 ? await find() : before;
for (const { name, peer } of after)
  say(`peers: ${name.padEnd(width)}  ${peer.missing ?? `${peer.version}  ${peer.path}`}`);
if (isCi(process.env) && after.some(({ peer }) => peer.missing !== undefined)) process.exitCode = 1;
