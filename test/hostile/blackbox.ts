import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startProgram } from '../servers/program.ts';
import { blackboxConfig, type Places, targetOf } from './list.ts';
import { peerNamed } from './table.ts';

/** What blackbox_exporter says of the same peers: `success`, `failure`, or what went wrong with the question. */
export const blackboxVerdicts = async (
  path: string,
  names: readonly string[],
  places: Places,
  folder: string,
): Promise<Readonly<Record<string, string>>> => {
  const config = join(folder, 'blackbox.yml');
  const known = names.filter((name) => isKnown(peerNamed(name).module));
  await writeFile(config, blackboxConfig(known, places));
  const port = await freePort();
  const words = [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'];
  await using program = await startProgram(path, words, port);
  const ask = async (name: string): Promise<readonly [string, string]> => {
    // It takes a target without the scheme of ours.
    const target = targetOf(peerNamed(name), places).replace(/^(?:tcp|tls):\/\//, '');
    const query = new URLSearchParams({ module: name, target });
    const text = await fetch(`http://127.0.0.1:${port}/probe?${query}`, {
      headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '2' },
      signal: AbortSignal.timeout(10_000),
    }).then(
      (response) => response.text(),
      () => 'it did not answer within 10 s',
    );
    const value = /^probe_success (\d)$/m.exec(text)?.[1];
    return [name, value === undefined ? text.trim().slice(0, 60) : value === '1' ? 'success' : 'failure'];
  };
  const asked = await Promise.all(known.map(ask));
  void program;
  return Object.fromEntries(asked);
};

/** Settings of bursts are ours alone. */
const isKnown = ({ icmp }: Readonly<Record<string, unknown>>): boolean =>
  icmp === undefined || (typeof icmp === 'object' && icmp !== null && !('count' in icmp));
