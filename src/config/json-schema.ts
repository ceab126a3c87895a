import * as z from 'zod';
import { listSchema, type ProberTable } from './schema.ts';
import { overlaidBy } from './shape.ts';

type Json = Record<string, unknown>;

/**
 * The JSON Schema of a target list as people write it, for editors. Where a list may hold a reference, a text is allowed.
 * @see https://json-schema.org/draft/2020-12
 */
export const jsonSchema = (probers: ProberTable): Json => {
  const schema = convert(listSchema(probers));
  return { ...schema, title: 'Target list of Bothways' };
};

const convert = (schema: z.ZodType): Json =>
  z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: json }) => {
      for (const mark of ['secret', 'bytes', 'spellings']) delete json[mark];
      // safe: the schemas given here are full ones, not those of zod's core
      const whole = overlaidBy(zodSchema as unknown as z.ZodType);
      if (whole === undefined) return;
      const { $schema: _, ...part } = withoutRequired(convert(whole));
      for (const key of Object.keys(json)) if (key !== 'description') delete json[key];
      Object.assign(json, { ...part, ...(json.description !== undefined && { description: json.description }) });
    },
  });

/** A block that lies over another one may leave out any key, and take one away with null. */
const withoutRequired = (json: Json): Json => {
  const result: Json = {};
  for (const [key, value] of Object.entries(json)) {
    if (key === 'required' && Array.isArray(value)) continue;
    if (key === 'properties' && isJson(value)) {
      result[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [
          name,
          { anyOf: [isJson(inner) ? withoutRequired(inner) : inner, { type: 'null' }] },
        ]),
      );
    } else result[key] = isJson(value) ? withoutRequired(value) : value;
  }
  return result;
};

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
