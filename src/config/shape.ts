import type * as z from 'zod';

/**
 * What may stand at a place of a schema, in a form that a walk over a value can follow.
 * Branches of a union lie in one shape.
 */
export type Shape = {
  /** A text may stand here. */
  readonly text: boolean;
  /** A number or a boolean may stand here. */
  readonly scalar: boolean;
  /** A boolean may stand here. */
  readonly boolean: boolean;
  /** The texts that may stand here, if not any. */
  readonly choices: Choices | undefined;
  /** A text may hold bytes that are not UTF-8; see `textOfBytes`. */
  readonly bytes: boolean;
  readonly secret: 'always' | 'maybe' | undefined;
  /** Null means something here: in an overlay it takes a key of the module away. */
  readonly keepsNull: boolean;
  readonly keys: ReadonlyMap<string, Shape> | undefined;
  /** Any key of a mapping. */
  readonly each: Shape | undefined;
  /** Any item of a list. */
  readonly items: Shape | undefined;
  /** Secrets may stand here or below. */
  readonly hasSecrets: boolean;
};

/** A closed set of texts, and by lower-case spelling what else people write for one of them. */
export type Choices = { readonly values: readonly string[]; readonly spellings: Readonly<Record<string, string>> };

const overlays = new WeakMap<z.ZodType, z.ZodType>();

/** Marks `schema` as a part of `whole` that is laid over a module later: any keys may be missing, null takes one away. */
export const markOverlay = <S extends z.ZodType>(schema: S, whole: z.ZodType): S => {
  overlays.set(schema, whole);
  return schema;
};

/** What a schema marked by {@link markOverlay} is a part of. */
export const overlaidBy = (schema: z.ZodType): z.ZodType | undefined => overlays.get(schema);

const known = new WeakMap<z.ZodType, Shape>();

/** The shape of a schema; made once per schema. */
export const shapeOf = (schema: z.ZodType): Shape => {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const shape = make(schema, false);
  known.set(schema, shape);
  return shape;
};

const nothing: Shape = {
  text: false,
  scalar: false,
  boolean: false,
  choices: undefined,
  bytes: false,
  secret: undefined,
  keepsNull: false,
  keys: undefined,
  each: undefined,
  items: undefined,
  hasSecrets: false,
};

const make = (schema: z.ZodType, keepsNull: boolean): Shape => {
  const whole = overlays.get(schema);
  if (whole !== undefined) return make(whole, true);
  const bare = { ...shapeOfDefinition(schema, keepsNull), keepsNull };
  const secret = secretMark(schema) ?? bare.secret;
  const { bytes = bare.bytes, spellings } = schema.meta() ?? {};
  const choices = bare.choices === undefined || !isSpellings(spellings) ? bare.choices : { ...bare.choices, spellings };
  return { ...bare, choices, bytes: bytes === true, secret, hasSecrets: bare.hasSecrets || secret !== undefined };
};

const isSpellings = (mark: unknown): mark is Choices['spellings'] => typeof mark === 'object' && mark !== null;

const secretMark = (schema: z.ZodType): Shape['secret'] => {
  const { secret: mark } = schema.meta() ?? {};
  return mark === 'always' || mark === 'maybe' ? mark : undefined;
};

const shapeOfDefinition = (schema: z.ZodType, keepsNull: boolean): Shape => {
  // safe: every schema of zod 4 has one of these definitions; unknown kinds fall through to `nothing`
  const def = schema.def as unknown as Definition;
  switch (def.type) {
    case 'object': {
      const keys = new Map(Object.entries(def.shape).map(([key, inner]) => [key, make(inner, keepsNull)]));
      return { ...nothing, keys, hasSecrets: [...keys.values()].some(({ hasSecrets }) => hasSecrets) };
    }
    case 'record': {
      const each = make(def.valueType, keepsNull);
      return { ...nothing, each, hasSecrets: each.hasSecrets };
    }
    case 'array': {
      const items = make(def.element, keepsNull);
      return { ...nothing, items, hasSecrets: items.hasSecrets };
    }
    case 'union':
      return def.options.map((option) => make(option, keepsNull)).reduce(both, nothing);
    case 'intersection':
      return both(make(def.left, keepsNull), make(def.right, keepsNull));
    case 'pipe':
      return make(def.in, keepsNull);
    case 'lazy':
      return make(def.getter(), keepsNull);
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return make(def.innerType, keepsNull);
    case 'string':
    case 'template_literal':
      return { ...nothing, text: true };
    case 'enum':
      return ofValues(Object.values(def.entries));
    case 'literal':
      return ofValues(def.values);
    case 'number':
      return { ...nothing, scalar: true };
    case 'boolean':
      return { ...nothing, scalar: true, boolean: true };
    default:
      return nothing;
  }
};

type Definition =
  | { readonly type: 'object'; readonly shape: Readonly<Record<string, z.ZodType>> }
  | { readonly type: 'record'; readonly valueType: z.ZodType }
  | { readonly type: 'array'; readonly element: z.ZodType }
  | { readonly type: 'union'; readonly options: readonly z.ZodType[] }
  | { readonly type: 'intersection'; readonly left: z.ZodType; readonly right: z.ZodType }
  | { readonly type: 'pipe'; readonly in: z.ZodType }
  | { readonly type: 'lazy'; readonly getter: () => z.ZodType }
  | {
      readonly type: 'optional' | 'nullable' | 'default' | 'prefault' | 'nonoptional' | 'readonly' | 'catch';
      readonly innerType: z.ZodType;
    }
  | { readonly type: 'enum'; readonly entries: Readonly<Record<string, unknown>> }
  | { readonly type: 'literal'; readonly values: readonly unknown[] }
  | { readonly type: 'string' | 'template_literal' | 'number' | 'boolean' | 'unknown' };

const ofValues = (values: readonly unknown[]): Shape => {
  const texts = values.filter((value) => typeof value === 'string');
  return {
    ...nothing,
    text: texts.length > 0,
    scalar: values.some((value) => typeof value === 'number' || typeof value === 'boolean'),
    choices: texts.length > 0 ? { values: texts, spellings: {} } : undefined,
  };
};

const both = (a: Shape, b: Shape): Shape => ({
  text: a.text || b.text,
  scalar: a.scalar || b.scalar,
  boolean: a.boolean || b.boolean,
  choices: choicesOfBoth(a, b),
  bytes: a.bytes || b.bytes,
  secret: a.secret ?? b.secret,
  keepsNull: a.keepsNull || b.keepsNull,
  keys: a.keys && b.keys ? new Map([...a.keys, ...b.keys]) : (a.keys ?? b.keys),
  each: a.each ?? b.each,
  items: a.items ?? b.items,
  hasSecrets: a.hasSecrets || b.hasSecrets,
});

/** A branch that takes any text leaves no closed set. */
const choicesOfBoth = (a: Shape, b: Shape): Choices | undefined => {
  if ((a.text && a.choices === undefined) || (b.text && b.choices === undefined)) return undefined;
  if (a.choices === undefined || b.choices === undefined) return a.choices ?? b.choices;
  return {
    values: [...a.choices.values, ...b.choices.values],
    spellings: { ...a.choices.spellings, ...b.choices.spellings },
  };
};

/** The shape at a step below: by key, by index, or `undefined` where the schema has nothing. */
export const inside = (shape: Shape | undefined, step: string | number): Shape | undefined =>
  typeof step === 'number' ? shape?.items : (shape?.keys?.get(step) ?? shape?.each);
