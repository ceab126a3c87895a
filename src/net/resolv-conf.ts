import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { type Address, addressBytes } from '../protocol/ip-address.ts';
import { codeOf, isExhausted } from './failure.ts';

/** What resolv.conf(5) says. Times in milliseconds. */
export type ResolvConf = {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
  readonly timeoutMs: number;
  readonly attempts: number;
};

/**
 * Reads the text of a resolv.conf: at most three servers, 127.0.0.1 if there is none; six search domains; ndots up to 15,
 * timeout up to 30 s, attempts up to 5. Options that it does not know are ignored, as the file's own manual demands.
 * @see https://man7.org/linux/man-pages/man5/resolv.conf.5.html
 */
export const parseResolvConf = (text: string): ResolvConf => {
  const servers: string[] = [];
  let search: string[] = [];
  const options = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (key === 'nameserver' && values[0] !== undefined && isIP(values[0]) !== 0) servers.push(values[0]);
    if (key === 'search' || key === 'domain') search = values;
    if (key === 'options')
      for (const option of values) {
        const [name = '', value] = option.split(':');
        if (value !== undefined && /^\d+$/.test(value)) options.set(name, Number(value));
      }
  }
  return {
    servers: servers.length === 0 ? ['127.0.0.1'] : servers.slice(0, 3),
    search: search
      .slice(0, 6)
      .map((domain) => domain.replace(/\.$/, ''))
      .filter((domain) => domain !== ''),
    ndots: Math.min(15, options.get('ndots') ?? 1),
    timeoutMs: 1_000 * Math.max(1, Math.min(30, options.get('timeout') ?? 5)),
    attempts: Math.max(1, Math.min(5, options.get('attempts') ?? 2)),
  };
};

/** Reads the text of a hosts file: names in lower case to addresses, in the file's order (hosts(5)). */
export const parseHosts = (text: string): ReadonlyMap<string, readonly Address[]> => {
  const hosts = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [ip = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (addressBytes(ip) === undefined) continue;
    const address: Address = { ip, family: ip.includes(':') ? 6 : 4 };
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      const known = hosts.get(key);
      if (known === undefined) hosts.set(key, [address]);
      else known.push(address);
    }
  }
  return hosts;
};

/** How often a file is looked at for changes, in milliseconds: a stat per probe would cost more than it is worth. */
const lookEveryMs = 1_000;

/** A parsed file that is read again when it changes; a file that is not there reads as empty. */
export const watched = <T>(path: string, parse: (text: string) => T): (() => T) => {
  let version: string | undefined;
  let looked = Number.NEGATIVE_INFINITY;
  let parsed: T | undefined;
  return () => {
    const now = performance.now();
    if (parsed === undefined || now - looked >= lookEveryMs) {
      looked = now;
      const current = versionOf(path);
      if (parsed === undefined || current !== version) {
        const text = textOf(path);
        // Without a descriptor to read it, what was read before still holds, and the file is read at the next look.
        if (text === undefined) return parsed ?? parse('');
        version = current;
        parsed = parse(text);
      }
    }
    return parsed;
  };
};

const versionOf = (path: string): string => {
  try {
    const found = statSync(path);
    return `${found.mtimeMs} ${found.size} ${found.ino}`;
  } catch {
    return 'none';
  }
};

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // Not there or not readable: the same as empty, as the C library has it.
    return isExhausted(codeOf(error)) ? undefined : '';
  }
};
