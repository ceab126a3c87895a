import type * as z from 'zod';
import type { Seconds, SecretRef } from '../kernel/check.ts';
import type { Metric, Point } from '../kernel/metric.ts';
import type { Outcome, Run, TraceEvent } from '../kernel/run.ts';
import type { Mask } from '../protocol/mask.ts';
import type { Aws } from './aws/aws.ts';
import type { ProbeEngine } from './icmp/engine.ts';
import type { Resolver } from './resolve.ts';
import type { Trust } from './trust.ts';

/** What one process owns. Made by the door (agent, Lambda, command line), handed down in the context, closed by the door. */
export type Kit = AsyncDisposable & {
  /** Names to addresses. */
  readonly resolver: Resolver;
  /** The text behind a value that may be a reference. `fresh` reads it anew. Rejects if it cannot be read; the message names the reference only. */
  readonly secret: (value: string | SecretRef, fresh?: boolean) => Promise<string>;
  /** Signed calls to AWS. */
  readonly aws: Aws;
  /** A file's content, read anew when the file has changed. Rejects with the system's error code. */
  readonly file: (path: string) => Promise<Buffer>;
  /** False for addresses that this vantage must not probe. */
  readonly mayDial: (ip: string) => boolean;
  /** Secure contexts by configuration, trusted roots, verified chains. */
  readonly trust: Trust;
  /** The proxy for what is pushed to a URL, by HTTPS_PROXY and NO_PROXY. Not for probes. */
  readonly proxyFor: (url: string) => URL | undefined;
  /** The engine for ping and paths, opened on first use; one that can do nothing where there is none. */
  readonly engine: () => Promise<ProbeEngine>;
  /** The engine if somebody has needed it. */
  readonly openedEngine: () => ProbeEngine | undefined;
  /** One value per key, made on first use and closed with the kit: what a prober keeps across runs (connection slots, engines). */
  readonly own: <T extends AsyncDisposable>(key: string, make: () => T) => T;
};

/** What a probe gets besides its target and settings. `signal` is the time limit; its reason is `deadline` or `stopped`. */
export type Context<M = unknown> = {
  readonly kit: Kit;
  readonly signal: AbortSignal;
  /**
   * Seconds since the run's start; notes the moment in the trace and feeds the run's doubt, unless nothing is measured by it because the
   * kernel's timestamps were (`isStamped`).
   */
  readonly mark: (what: string, isStamped?: boolean) => Seconds;
  /** Adds a line to the run's bounded record. Never a secret, never a body. */
  readonly trace: (what: string, data?: TraceEvent['data']) => void;
  /** Waits; ends early, without rejecting, when the signal fires. */
  readonly sleep: (seconds: Seconds) => Promise<void>;
  readonly memory: M | undefined;
  /**
   * Notes a secret that the peer is given: what failures and trace repeat of it is masked. What `kit.secret` reads for a reference is
   * noted already.
   */
  readonly hide: (secret: string) => void;
  /** Masks the secrets noted so far in what a peer sent; for texts that become labels. */
  readonly mask: Mask;
};

/**
 * Where a target is, read from its text. `address` is what `probe` is given; `settings` is what the text implies
 * (`tls://` implies `tls: true`) and lies over the module's. `port` is there when the text or its scheme says it.
 */
export type Place = {
  readonly address: string;
  readonly host: string;
  readonly port?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
};

/**
 * One protocol. `settings` is the block of a module, in blackbox_exporter's words; it validates and defaults, never transforms.
 * `modules` are the built-in ones; the first is used by a target that names none.
 */
export type Prober<S extends z.ZodType = z.ZodType, F extends object = object, M = unknown> = {
  readonly summary: string;
  /** URL schemes of targets in the short form. */
  readonly schemes: readonly [string, ...string[]];
  readonly needs: readonly ('icmp' | 'files')[];
  readonly modules: Readonly<Record<string, z.input<S>>>;
  readonly settings: S;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** The time limit of a run with these settings when neither target nor module gives one, in milliseconds; 10 s if it says nothing. */
  usualTimeoutMs?(settings: z.output<S>): number | undefined;
  /** What a list is warned of that has these settings: a sentence each, which says what to write instead. */
  remarks?(settings: z.output<S>): readonly string[];
  /** Loads what the first probe with these settings would otherwise wait for (code, trusted roots). Doors call it before they start. May reject. */
  warmUp?(settings: z.output<S>, kit: Kit): Promise<unknown>;
  /** `undefined` when the text is no target of this prober. */
  locate(target: string): Place | undefined;
  /** Never throws, logs, retries or reads the environment; ends when the signal fires, with everything closed. */
  probe(address: string, settings: z.output<S>, context: Context<M>): Promise<Outcome<F>>;
  remember?(memory: M | undefined, outcome: Outcome<F>): M;
  points(run: Run<F>, memory: M | undefined): readonly Point[];
};

/** Types a prober by its facts and, if it has one, its memory: `defineProber<Facts>()({ … })`. */
export const defineProber =
  <F extends object, M = undefined>() =>
  <S extends z.ZodType>(prober: Prober<S, F, M>): Prober<S, F, M> =>
    prober;
