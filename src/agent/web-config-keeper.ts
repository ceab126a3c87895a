import { demandsCredentials, type Locks } from './locks.ts';
import type { Log } from './log.ts';
import { readWebConfig, type WebConfigReading } from './web-config.ts';

/** The web configuration in use. */
export type WebConfigKeeper = {
  readonly locks: () => Locks;
  /**
   * Reads the files again and uses them if they are good. Bad ones change nothing, are logged once, and make `state` say
   * so. Never rejects.
   */
  readonly look: () => Promise<void>;
  /** Whether the newest files are in use, and since when the files in use are, in Unix milliseconds. */
  readonly state: () => { readonly ok: boolean; readonly loadedAt: number };
};

type Parts = {
  readonly path: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Called when new settings are in use. */
  readonly changed: () => void;
};

/** Reads a web configuration and keeps the newest good one; or says why there is none. */
export const webConfigKeeper = async ({
  path,
  environment,
  log,
  changed,
}: Parts): Promise<
  { readonly ok: true; readonly keeper: WebConfigKeeper } | { readonly ok: false; readonly problem: string }
> => {
  const first = await readWebConfig(path, environment);
  if (first?.ok !== true) return { ok: false, problem: first?.problem ?? '' };
  for (const warning of first.warnings) log('warn', warning);
  let { locks, hash } = first;
  let loadedAt = Date.now();
  let problem: string | undefined;

  const use = (reading: WebConfigReading | undefined) => {
    const found = reading === undefined ? undefined : (problemOf(reading) ?? problemOfChange(path, locks, reading));
    if (found !== undefined && found !== problem) log('error', `${found}; the web configuration before stays in use`);
    problem = found;
    if (found !== undefined || reading?.ok !== true) return;
    for (const warning of reading.warnings) log('warn', warning);
    ({ locks, hash } = reading);
    loadedAt = Date.now();
    changed();
    log('info', `${path}: the new web configuration is in use`);
  };

  let reading: Promise<void> | undefined;
  const look = () => {
    reading ??= readWebConfig(path, environment, hash)
      .then(use)
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  return {
    ok: true,
    keeper: { locks: () => locks, look, state: () => ({ ok: problem === undefined, loadedAt }) },
  };
};

const problemOf = (reading: WebConfigReading): string | undefined => (reading.ok ? undefined : reading.problem);

/**
 * A listening server keeps its protocol, and what it asks of clients in a handshake. A file that is being written may be empty
 * for a moment; that must not open the door.
 */
const problemOfChange = (path: string, before: Locks, reading: WebConfigReading): string | undefined => {
  if (!reading.ok) return undefined;
  const { tls } = reading.locks;
  if ((tls === undefined) !== (before.tls === undefined))
    return `${path}: tls_server_config: added or removed; restart the agent`;
  if (tls?.requestCert !== before.tls?.requestCert)
    return `${path}: tls_server_config.client_auth_type: changed from or to NoClientCert; restart the agent`;
  if (demandsCredentials(before) && !demandsCredentials(reading.locks))
    return `${path}: credentials removed, or the file is not complete yet; restart the agent to open the page to everyone`;
  return undefined;
};
