type Json = { readonly [key: string]: unknown };

/** Parts of a JSON Schema that are shorter than this many characters are written where they stand. */
const worthSharing = 400;

/**
 * The same JSON Schema, shorter: parts that occur more than once stand in `$defs` and are referred to.
 * @see https://json-schema.org/understanding-json-schema/structuring#defs
 */
export const sharedSchema = (schema: Json): Json => {
  const counts = new Map<string, number>();
  visit(schema, (part) => {
    const text = JSON.stringify(part);
    if (text.length >= worthSharing) counts.set(text, (counts.get(text) ?? 0) + 1);
  });
  const names = new Map<string, string>();
  const definitions: Record<string, Json> = {};
  const share = (part: Json): Json => {
    const text = JSON.stringify(part);
    if ((counts.get(text) ?? 0) < 2) return mapParts(part, share);
    const name = names.get(text) ?? `part${names.size + 1}`;
    if (!names.has(text)) {
      names.set(text, name);
      definitions[name] = mapParts(part, share);
    }
    return { $ref: `#/$defs/${name}` };
  };
  const whole = mapParts(schema, share);
  return names.size === 0 ? whole : { ...whole, $defs: definitions };
};

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const single = new Set(['items', 'additionalProperties', 'propertyNames', 'not']);
const lists = new Set(['anyOf', 'allOf', 'oneOf', 'prefixItems']);
const named = new Set(['properties', 'patternProperties']);

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const mapParts = (schema: Json, map: (part: Json) => Json): Json => {
  const one = (value: unknown) => (isJson(value) ? map(value) : value);
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (single.has(key)) return [key, one(value)];
      if (lists.has(key) && Array.isArray(value)) return [key, value.map(one)];
      if (named.has(key) && isJson(value))
        return [key, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, one(part)]))];
      return [key, value];
    }),
  );
};

const visit = (schema: Json, see: (part: Json) => void): void => {
  mapParts(schema, (part) => {
    see(part);
    visit(part, see);
    return part;
  });
};
