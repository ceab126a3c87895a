import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Agent, startAgent } from '../agent/agent.ts';
import { escapeWatch } from '../agent/escape-watch.ts';
import type { Log } from '../agent/log.ts';
import type { PageFile } from '../agent/page-file.ts';
import { agentRoutes } from '../agent/routes.ts';
import { webServer } from '../agent/web-server.ts';
import { load } from '../config/load.ts';
import { packList, readPacked } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import { probeDoor, type Summary } from '../lambda/probe-door.ts';
import { marks } from '../net/marks.ts';
import type { CheckRow, DeliveryRow, Status } from '../page/status.ts';
import { board as makeBoard } from '../receiver/board.ts';
import { takeWriteRequest } from '../receiver/write-door.ts';
import { demoList, regions } from './list.ts';
import { world as makeWorld } from './world.ts';

/** How a demo is run. `remoteWrite` takes the same samples as the page; `signal` ends it. */
export type DemoOptions = {
  readonly host: string;
  readonly port: number;
  readonly remoteWrite?: string | undefined;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly page: PageFile;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Told once everything runs. */
  readonly onReady: (running: { readonly url: string; readonly port: number; readonly list: string }) => void;
};

/** What a demo saw: the rows of the page at its end, and what became of the samples. */
export type DemoResult = { readonly checks: readonly CheckRow[]; readonly deliveries: readonly DeliveryRow[] };

/** How often the functions are called, in milliseconds; a schedule of AWS calls once a minute. */
const slotMs = 5_000;

/** What a function may take, in milliseconds. */
const budgetMs = 20_000;

/**
 * The small world and all that looks at it, in one process: the real probe function called as two regions would, an agent, and
 * a receiver behind the page. Resolves when the signal fires, with everything closed.
 */
export const demo = async (options: DemoOptions): Promise<DemoResult> => {
  const { host, port, remoteWrite, probers, environment, page, signal, log, onReady } = options;
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await makeWorld());
  const board = makeBoard();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const clock = marks();
  let agent: Agent | undefined;
  const rows: DeliveryRow[] = [];
  const status = (): Status => {
    const own = agent?.status();
    return {
      version: own?.version ?? '',
      title: 'demo',
      now: Date.now(),
      checks: board.rows(),
      deliveries: [...rows, ...(own?.deliveries ?? [])],
      list: own?.list ?? { hash: '', loadedAt: 0 },
    };
  };
  const routes = agentRoutes({
    page,
    status,
    metrics: () => agent?.metrics() ?? '',
    reload: async () => (await agent?.reload()) ?? [],
    ready: () => agent !== undefined && !signal.aborted,
  });
  const receive = {
    method: 'POST',
    path: '/api/v1/write',
    readsBody: true,
    handle: (request, response) => takeWriteRequest(request, response, board.observe),
  } satisfies (typeof routes)[number];
  const door = stack.use(await webServer({ host, port, routes: [...routes, receive] }));
  const list = join(folder, 'targets.yaml');
  await writeFile(
    list,
    demoList(world.targets, [`${door.url}/api/v1/write`, ...(remoteWrite === undefined ? [] : [remoteWrite])]),
  );
  using escapes = escapeWatch(log);
  const started = await startAgent({
    escaped: escapes.counts,
    source: { paths: [list], vantage: 'cluster-a', probers, environment },
    shard: { index: 0, of: 1 },
    clock,
    log,
  });
  if (!started.ok) throw new Error(started.problems.join('; '));
  agent = started.agent;
  const watch = setInterval(() => void started.agent.look(), 2_000);
  const functions = regions.map((region) =>
    callFunction(region, { list, probers, environment, clock, log, signal, rows }),
  );
  onReady({ url: door.url, port: door.port, list });
  await aborted(signal);
  clearInterval(watch);
  await Promise.all(functions);
  // At its end the agent takes its rows off the page.
  const { checks } = status();
  await started.agent.stop(2_000);
  return { checks, deliveries: status().deliveries };
};

type Called = {
  readonly list: string;
  readonly probers: ProberTable;
  readonly environment: DemoOptions['environment'];
  readonly clock: ReturnType<typeof marks>;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly rows: DeliveryRow[];
};

/** Calls the probe function of a region slot by slot, as a schedule does, until the signal fires. */
const callFunction = async (region: string, called: Called): Promise<void> => {
  const { list, probers, environment, clock, log, signal, rows } = called;
  const packed = await packedList(list, probers);
  const row: { -readonly [K in keyof DeliveryRow]: DeliveryRow[K] } = {
    vantage: region,
    endpoint: 'all',
    accepted: 0,
    waiting: 0,
    lost: 0,
  };
  rows.push(row);
  await using door = probeDoor({
    packed,
    vantage: region,
    probers,
    environment,
    clock,
    log: ({ level, msg }) => log(level, `${region}: ${msg}`),
  });
  for (let slot = Math.floor(Date.now() / slotMs) * slotMs; !signal.aborted; slot += slotMs) {
    const end = Date.now() + budgetMs;
    const event = {
      shard: 0,
      of: 1,
      slot: new Date(slot).toISOString(),
      window: slotMs / 1_000,
      id: `${region}/${slot}`,
    };
    const context = { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: event.id };
    const summary = await door.handle(event, context);
    count(row, summary);
    await wait(Math.max(0, slot + slotMs - Date.now()), undefined, { signal }).catch(() => {});
  }
};

const count = (row: { accepted: number; lost: number }, { delivered, undelivered }: Summary): void => {
  row.accepted += delivered;
  row.lost += undelivered;
};

const packedList = async (path: string, probers: ProberTable) => {
  const loaded = await load([path], { probers });
  if (!loaded.ok) throw new Error('the list of the demo is not sound');
  const read = readPacked(
    packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: loaded.list.external_labels }),
  );
  if (!read.ok) throw new Error(read.why);
  return read.packed;
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
