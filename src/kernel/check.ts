/** Milliseconds since the Unix epoch (wall clock). */
export type EpochMs = number;
/** A duration in seconds, a float; always a difference of two monotonic readings. */
export type Seconds = number;
/** Prometheus labels: name to value. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Where a secret is kept, never the secret: `env:NAME`, `file:/path`, `ssm:[REGION:]/name`, `secretsmanager:[REGION:]id`,
 * or `literal:PLACE` for a value that stood in the list itself. Safe to print, to hash and to send.
 */
export type SecretRef = { readonly secret: string };

/** How much a run says: about 8 samples, everything blackbox_exporter says, or per-certificate and per-hop detail. */
export type Profile = 'lean' | 'standard' | 'full';
/** Whose metric names: blackbox_exporter's, network_exporter's, or our own. */
export type Dialect = 'blackbox_exporter' | 'network_exporter' | 'bothways';
/** What users see (`outside`) or what workloads depend on (`inside`). */
export type Side = 'outside' | 'inside';

/** Where probes run from. `labels` all begin `vantage_`. */
export type Vantage = {
  readonly name: string;
  readonly kind: 'lambda' | 'agent';
  readonly region?: string;
  readonly labels: Labels;
};

/** How many vantages must fail before a target counts as broken; `each` judges every vantage for itself. */
export type Quorum = 'majority' | 'any' | 'all' | 'each' | number;

/** A service level objective: the share of good runs, above 0 and below 1, over a window. */
export type Slo = { readonly objective: number; readonly windowMs: number };

/** A target by its name, and the names of the inside targets that it stands on. */
export type StandsOn = { readonly name: string; readonly on: readonly string[] };

/** One thing to probe. `address` is the target as the prober wants it (a URL, `host:port`), `intervalMs` is at least 1,000. */
export type Target = {
  readonly name: string;
  readonly address: string;
  readonly side: Side;
  readonly intervalMs: number;
  readonly labels: Labels;
  readonly profile: Profile;
  readonly names: readonly Dialect[];
  readonly quorum: Quorum;
  readonly slo?: Slo;
  /** Link-local addresses may be dialled for it: the list says so at the target itself. */
  readonly linkLocal?: true;
};

/** Named settings of a prober, defaults filled in, this target's overlay applied. Secrets are references. */
export type Module<S = unknown> = {
  readonly name: string;
  readonly prober: string;
  readonly timeoutMs: number;
  readonly settings: S;
};

/**
 * One target at one vantage: what the scheduler deals in. Plain data that survives JSON.
 * `id` is unique in a list; `labels` are all the labels of its series but those a metric brings itself.
 */
export type Check<S = unknown> = {
  readonly id: string;
  readonly instance: string;
  readonly target: Target;
  readonly module: Module<S>;
  readonly vantage: Vantage;
  readonly labels: Labels;
  /**
   * Set where others than the list's authors chose the target: only public addresses are dialled for it, and those that the process
   * knows under this name. `public` names none. Judged at every dial, whatever a name resolves to or a redirect says.
   */
  readonly reach?: string;
};
