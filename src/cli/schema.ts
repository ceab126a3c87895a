import * as z from 'zod';
import { jsonSchema } from '../config/json-schema.ts';
import { sharedSchema } from '../generate/shared-schema.ts';
import { probers } from '../probers/index.ts';
import { defineCommand } from './command.ts';

/** `bothways schema`: the JSON Schema of target lists. */
export const schema = defineCommand({
  name: 'schema',
  summary: 'Prints the JSON Schema of target lists, for editors.',
  details:
    'Write `# yaml-language-server: $schema=./bothways.schema.json` on top of a list to have its keys completed and checked.',
  positional: [],
  args: z.strictObject({}),
  examples: ['bothways schema > bothways.schema.json'],
  run: async (_args, io) => {
    io.stdout.write(`${JSON.stringify(sharedSchema(jsonSchema(probers)), null, 2)}\n`);
    return 0;
  },
});
