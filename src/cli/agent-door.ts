import type { Agent } from '../agent/agent.ts';
import { doorPoints } from '../agent/door-metrics.ts';
import { demandsCredentials } from '../agent/locks.ts';
import type { Log } from '../agent/log.ts';
import { pageFile } from '../agent/page-file.ts';
import { agentRoutes } from '../agent/routes.ts';
import { isLoopback } from '../agent/served-hosts.ts';
import { type WebConfigKeeper, webConfigKeeper } from '../agent/web-config-keeper.ts';
import { type WebServer, webServer } from '../agent/web-server.ts';
import type { Point } from '../kernel/metric.ts';
import type { Io } from './command.ts';
import { parseListen } from './listen.ts';

/** Why a door is not open; `away` if it may open at the next start with the same flags. */
type NoDoor = { readonly problem: string; readonly away: boolean };

/** The door of an agent. */
export type AgentDoor = {
  /** Opens it: the server, `undefined` for `--listen none`, or what is wrong. Called once. */
  readonly open: (running: Agent) => Promise<WebServer | NoDoor | undefined>;
  /** Looks whether the web configuration has changed. Never rejects. */
  readonly look: () => Promise<void>;
  /** Its metrics; none before it is open. */
  readonly points: () => readonly Point[];
};

/** The flags of a door. */
type DoorFlags = {
  readonly listen: string;
  readonly webConfig?: string | undefined;
  readonly hostName: readonly string[];
};

/** What listening fails with while an address, a name or a port is not there yet, as early in a boot. */
const notThereYet = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'ENOTFOUND', 'EAI_AGAIN']);

/** Makes the door of an agent from its flags. */
export const agentDoor = ({ listen, webConfig, hostName }: DoorFlags, io: Io, log: Log): AgentDoor => {
  let server: WebServer | undefined;
  let keeper: WebConfigKeeper | undefined;

  const open = async (running: Agent): Promise<WebServer | NoDoor | undefined> => {
    const place = parseListen(listen);
    if (place === undefined) return undefined;
    if (webConfig !== undefined) {
      const changed = () => server?.renewTls();
      const read = await webConfigKeeper({ path: webConfig, environment: io.environment, log, changed });
      if (!read.ok) return { problem: read.problem, away: false };
      keeper = read.keeper;
    }
    const locks = () => keeper?.locks() ?? {};
    const routes = agentRoutes({
      page: pageFile(),
      status: running.status,
      metrics: running.metrics,
      reload: running.reload,
      ready: () => !io.signal.aborted,
    });
    try {
      server = await webServer({ host: place.host, port: place.port, routes, hostNames: hostName, locks });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      return { problem: `cannot listen at ${listen} (${code})`, away: notThereYet.has(code) };
    }
    if (server.port !== place.port && place.port !== 0)
      io.stderr.write(`port ${place.port} is taken; using ${server.port}\n`);
    if (!isLoopback(place.host) && !demandsCredentials(locks()))
      io.stderr.write(`warning: everybody who reaches ${server.url} can see the page; lock it with --web-config\n`);
    return server;
  };
  return {
    open,
    look: async () => keeper?.look(),
    points: () => (server === undefined ? [] : doorPoints(server.connections(), keeper?.state())),
  };
};
