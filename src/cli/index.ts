import { agent } from './agent.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { demo } from './demo.ts';
import { deploy } from './deploy.ts';
import { deployPolicyCommand } from './deploy-policy.ts';
import { discover } from './discover.ts';
import { explain } from './explain.ts';
import { healthy } from './healthy.ts';
import { init } from './init.ts';
import { packageCommand } from './package.ts';
import { plan } from './plan.ts';
import { probe } from './probe.ts';
import { regions } from './regions.ts';
import { remove } from './remove.ts';
import { render } from './render.ts';
import { run } from './run.ts';
import { schema } from './schema.ts';
import { targets } from './targets.ts';
import { trace } from './trace.ts';

/** THE table of commands: usage texts, documentation and the command line itself are made from it. */
export const commands: readonly Command[] = [
  check,
  probe,
  trace,
  run,
  agent,
  discover,
  healthy,
  demo,
  explain,
  schema,
  init,
  plan,
  regions,
  render,
  packageCommand,
  deploy,
  remove,
  deployPolicyCommand,
  targets,
];
