import type { Failure } from '../kernel/reason.ts';
import type { Outcome, TraceEvent } from '../kernel/run.ts';
import type { Context, Kit } from '../net/prober.ts';
import { type Mask, maskedStart, masker } from '../protocol/mask.ts';

/** The secrets of one run: what a peer repeats of them is masked in all that the run says. */
export type Hidden = {
  /** The kit, with what its references give noted as secrets. */
  readonly kit: Kit;
  readonly hide: (secret: string) => void;
  readonly mask: Mask;
  /** The outcome with masked details. */
  readonly outcome: <F>(outcome: Outcome<F>) => Outcome<F>;
  /** A trace that masks what it is given, before it is cut. */
  readonly traced: (trace: Context['trace']) => Context['trace'];
};

/** Masks of the secrets that were used last, for each kit: to prepare one costs more than to use it, and runs repeat themselves. */
const lastMasks = new WeakMap<Kit, Map<string, Mask>>();
const mostMasks = 256;

const maskFor = (kit: Kit, secrets: ReadonlySet<string>): Mask => {
  const known = lastMasks.get(kit) ?? new Map<string, Mask>();
  lastMasks.set(kit, known);
  const key = JSON.stringify([...secrets]);
  const mask = known.get(key) ?? remembering(masker(secrets));
  if (known.size >= mostMasks) known.clear();
  known.set(key, mask);
  return mask;
};

/** Runs say the same short texts again and again: addresses, names of ciphers. */
const remembering = (mask: Mask): Mask => {
  const known = new Map<string, string>();
  return (text) => {
    if (text.length > longestKnown) return mask(text);
    const shown = known.get(text) ?? mask(text);
    if (known.size >= mostKnown) known.clear();
    known.set(text, shown);
    return shown;
  };
};
const longestKnown = 64;
const mostKnown = 32;

/** Begins a run without any secret. What masks cost to prepare is kept with `keeper`, the kit of the process. */
export const hidden = (kit: Kit, keeper: Kit = kit): Hidden => {
  const secrets = new Set<string>();
  let current: Mask | undefined;
  const hide = (secret: string) => {
    current = undefined;
    secrets.add(secret);
  };
  const mask: Mask = (text) => {
    if (secrets.size === 0) return text;
    current ??= maskFor(keeper, secrets);
    return current(text);
  };
  const secret: Kit['secret'] = async (value, fresh) => {
    const text = await kit.secret(value, fresh);
    if (typeof value !== 'string') hide(text);
    return text;
  };
  const outcome: Hidden['outcome'] = (given) =>
    secrets.size === 0 || given.failures.length === 0
      ? given
      : { ...given, failures: given.failures.map((one): Failure => ({ ...one, detail: mask(one.detail) })) };
  const traced: Hidden['traced'] = (trace) => (what, data) =>
    trace(what, data === undefined || secrets.size === 0 ? data : maskedData(data, mask));
  return { kit: { ...kit, secret }, hide, mask, outcome, traced };
};

/** A text is masked up to here, in characters; a trace keeps less of it. */
const mostText = 1_024;

const maskedData = (data: NonNullable<TraceEvent['data']>, mask: Mask): NonNullable<TraceEvent['data']> =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      typeof value === 'string'
        ? maskedStart(value.slice(0, mostText), mask, mostText, value.length > mostText)
        : value,
    ]),
  );
