import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Handler } from 'aws-lambda';
import { readPacked } from '../src/config/packed.ts';
import { probeDoor, type Summary } from '../src/lambda/probe-door.ts';
import type { Say } from '../src/lambda/say.ts';
import { vantageHere } from '../src/lambda/vantage-here.ts';
import { marks } from '../src/net/marks.ts';
import { probers } from '../src/probers/index.ts';

// What AWS Lambda calls. The list of its vantage lies beside it, packed; `BOTHWAYS_LIST` names another file. All that can be
// wrong with it is wrong before the first event, so that it is said at deployment and not at three in the morning.

const { BOTHWAYS_LIST, BOTHWAYS_VANTAGE } = process.env;
const path = BOTHWAYS_LIST ?? fileURLToPath(new URL(`lists/${BOTHWAYS_VANTAGE ?? 'all'}.json`, import.meta.url));
const read = readPacked(readFileSync(path, 'utf8'));
if (!read.ok) throw new Error(`${path} ${read.why}`);

/** By its level, since Lambda leaves out what is below the one that the function is deployed with, and as fields. */
const log: Say = ({ level, ...line }) => console[level](line);

const door = probeDoor({
  packed: read.packed,
  vantage: vantageHere(read.packed.vantages, process.env),
  probers,
  environment: process.env,
  packedFiles: fileURLToPath(new URL('files', import.meta.url)),
  clock: marks(),
  log,
});

/** Probes what is due in the event's window and delivers it. */
export const handler: Handler<unknown, Summary> = (event, context) => door.handle(event, context);
