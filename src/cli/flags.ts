import { parseArgs } from 'node:util';
import * as z from 'zod';
import { nearest } from '../protocol/nearest.ts';
import type { Command } from './command.ts';

/** One argument of a command, read from its schema. `value` is the name of its value; a switch has none. */
export type Flag = {
  readonly key: string;
  readonly flag: string;
  readonly value: string | undefined;
  readonly isList: boolean;
  readonly isRequired: boolean;
  readonly standard: string | undefined;
  /** The words that it can be, where there are only some. */
  readonly choices: readonly string[];
  readonly help: string;
};

/** The arguments of a command, in the order of its schema, without the positional ones and with them. */
export const flagsOf = (
  command: Command,
): { readonly flags: readonly Flag[]; readonly positional: readonly Flag[] } => {
  const schema = z.toJSONSchema(command.args, { io: 'input' });
  const all = Object.entries(schema.properties ?? {}).map(([key, property]) => flagOf(key, property, schema.required));
  const isPositional = ({ key }: Flag) => command.positional.includes(key);
  return { flags: all.filter((flag) => !isPositional(flag)), positional: all.filter(isPositional) };
};

/** What a command line gave: arguments as the command wants them, or one line that says what to write. */
export type Parsed =
  | { readonly ok: true; readonly args: Record<string, unknown> }
  | { readonly ok: false; readonly message: string };

/** Reads the words after the command's name. Unknown flags, missing values and values of a wrong form are refused. */
export const parseFlags = (command: Command, words: readonly string[]): Parsed => {
  const { flags, positional } = flagsOf(command);
  const read = readWords(flags, words);
  if (!read.ok) return read;
  const { given, bare } = read;
  for (const [index, word] of bare.entries()) {
    const place = positional[index];
    if (place === undefined) return refuse(`${command.name} does not take "${word}"${hintFor(word, flags)}`);
    given[place.key] = word;
  }
  for (const { key, flag, value, isRequired, choices } of [...positional, ...flags])
    if (isRequired && given[key] === undefined)
      return refuse(
        `${command.name} needs ${command.positional.includes(key) ? named(value, choices) : `${flag} ${value}`}: ${usageLine(command)}`,
      );
  const parsed = command.args.safeParse(given);
  if (parsed.success) return { ok: true, args: parsed.data };
  const issue = parsed.error.issues[0];
  const wrong = [...positional, ...flags].find(({ key }) => key === issue?.path[0]);
  const place = wrong !== undefined && positional.includes(wrong) ? wrong.value : wrong?.flag;
  return refuse(`${place === undefined ? '' : `${place}: `}${issue?.message ?? 'not usable'}`);
};

/** `a TARGET`; `an ACTION (push, pull or diff)`. */
const named = (value = '', choices: readonly string[]): string => {
  const words = choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return `${/^[AEIOU]/.test(value) ? 'an' : 'a'} ${value}${words === '' ? '' : ` (${words})`}`;
};

/** `bothways NAME POSITIONAL… [--flag VALUE]…`, required flags without brackets. */
export const usageLine = (command: Command): string => {
  const { flags, positional } = flagsOf(command);
  const words = [
    ...positional.map(({ value = '', isRequired }) => (isRequired ? value : `[${value}]`)),
    ...flags.map(({ flag, value, isRequired, isList }) => {
      const text = `${value === undefined ? flag : `${flag} ${value}`}`;
      return `${isRequired ? text : `[${text}]`}${isList ? '…' : ''}`;
    }),
  ];
  return ['bothways', command.name, ...words].join(' ');
};

type Given = Record<string, string | string[] | boolean>;
type Read = { readonly ok: true; readonly given: Given; readonly bare: readonly string[] };
type Refused = { readonly ok: false; readonly message: string };

const readWords = (flags: readonly Flag[], words: readonly string[]): Read | Refused => {
  const options = Object.fromEntries(
    flags.map(({ flag, value }) => [
      flag.slice(2),
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true });
  const given: Given = {};
  const bare: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') bare.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = flags.find((known) => known.flag === token.rawName);
    if (flag === undefined) return refuse(unknownFlag(token.rawName, flags));
    const wrong = misused(flag, token, given);
    if (wrong !== undefined) return refuse(wrong);
    const { key, isList } = flag;
    const before = given[key];
    if (flag.value === undefined) given[key] = true;
    else if (isList) given[key] = [...(Array.isArray(before) ? before : []), token.value ?? ''];
    else given[key] = token.value ?? '';
  }
  return { ok: true, given, bare };
};

type OptionToken = { readonly value: string | undefined; readonly inlineValue: boolean | undefined };

const misused = ({ flag, key, value, isList }: Flag, token: OptionToken, given: Given): string | undefined => {
  if (value === undefined) return token.value === undefined ? undefined : `${flag} takes no value`;
  const looksLikeFlag = token.inlineValue === false && token.value?.startsWith('--') === true;
  if (token.value === undefined || token.value === '' || looksLikeFlag)
    return `${flag} needs a value: ${flag} ${value}`;
  return !isList && given[key] !== undefined ? `${flag} is there twice; write it once` : undefined;
};

const flagOf = (key: string, property: z.core.JSONSchema._JSONSchema, required: readonly string[] = []): Flag => {
  const schema = typeof property === 'boolean' ? {} : property;
  const named = typeof schema.value === 'string' ? schema.value : key.toUpperCase();
  return {
    key,
    flag: `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    value: schema.type === 'boolean' ? undefined : named,
    isList: schema.type === 'array',
    isRequired: required.includes(key),
    standard: typeof schema.default === 'string' ? schema.default : undefined,
    choices: (schema.enum ?? []).map(String),
    help: schema.description ?? '',
  };
};

const refuse = (message: string): Refused => ({ ok: false, message });

const unknownFlag = (name: string, flags: readonly Flag[]): string => {
  const meant = nearest(
    name,
    flags.map(({ flag }) => flag),
  );
  const all = flags.map(({ flag }) => flag).join(' ');
  return `unknown option ${name}; ${meant === undefined ? `write one of ${all} --help` : `did you mean ${meant}?`}`;
};

/** Somebody who writes `check targets.yaml` means the configuration. */
const hintFor = (word: string, flags: readonly Flag[]): string => {
  const takesFile = flags.find(({ value }) => value === 'FILE');
  return takesFile !== undefined && /\.ya?ml$/.test(word) ? `; write ${takesFile.flag} ${word}` : '';
};
