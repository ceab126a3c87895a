/** What carries a probe. */
export type ProbeProtocol = 'icmp' | 'udp' | 'tcp';

/** One packet to send, and what to expect of it. */
export type ProbeRequest = {
  /** A literal address; one of a link (`fe80::1%eth0`) with its zone. */
  readonly address: string;
  readonly protocol: ProbeProtocol;
  /** More than 0; fractions are allowed. */
  readonly timeoutMs: number;
  /** Time to live or hop limit, 1 to 255; the system's default if not set. */
  readonly ttl?: number | undefined;
  /** Bytes behind the ICMP or UDP header, 0 to 65,507; with UDP at least 10. 32 if not set. */
  readonly payloadBytes?: number | undefined;
  /** Ask routers not to cut the packet; each that cannot pass it on answers with the size that it could. */
  readonly dontFragment?: boolean | undefined;
  /** The whole byte of DSCP and ECN, 0 to 255. */
  readonly trafficClass?: number | undefined;
  /** A local address. */
  readonly source?: string | undefined;
  /** Port of the target, for UDP and TCP; 33,434 and 80 if not set. */
  readonly port?: number | undefined;
  /** With UDP: each flow has a source port of its own, so that routers which balance by ports may choose another way. 0 if not set. */
  readonly flow?: number | undefined;
  /** Called for what comes after the verdict: an answer past the deadline, or a second one. */
  readonly onLater?: ((what: 'late' | 'duplicate') => void) | undefined;
};

/** Where the two times of a round trip come from: the kernel's stamps, one of them our own, or our clock alone. */
export type RttClock = 'kernel' | 'mixed' | 'monotonic';

/** What became of a probe. Round-trip times are in seconds. */
export type ProbeOutcome =
  /** The target itself answered. `refused` is an answer too, and so is `port_unreachable` from the target's own address. */
  | {
      readonly kind: 'reply';
      readonly from: string;
      readonly rtt: number;
      readonly clock: RttClock;
      /** -1 when the kernel did not say. */
      readonly hopLimit: number;
      readonly via: 'echo' | 'port_unreachable' | 'answer' | 'accepted' | 'refused';
    }
  /** A router said that the time to live ended there. */
  | {
      readonly kind: 'hop';
      readonly from: string;
      readonly rtt: number;
      readonly clock: RttClock;
      readonly hopLimit: number;
    }
  /** Somebody said that the packet cannot be delivered; `own` when it was this host. */
  | {
      readonly kind: 'unreachable';
      readonly from: string;
      readonly type: number;
      readonly code: number;
      readonly rtt: number;
      readonly own: boolean;
    }
  /** The packet may not be cut and is larger than a link; `from` is absent when the link is this host's. `mtu` 0: not said. */
  | { readonly kind: 'too_big'; readonly mtu: number; readonly from?: string }
  | { readonly kind: 'timeout' }
  /** This host refused to send: no route, no such source address, a packet filter. */
  | { readonly kind: 'local'; readonly code: string }
  /** No verdict: the engine was busy, closed or may not do this. Never loss. */
  | { readonly kind: 'engine'; readonly why: string };

/** How ICMP is spoken: by sockets that any process may open, by raw ones, or not at all. */
export type IcmpMode = 'dgram' | 'raw' | 'none';

/** What this process may do, found out by trying when the engine was opened. */
export type Capabilities = {
  readonly icmp4: IcmpMode;
  readonly icmp6: IcmpMode;
  readonly udp: boolean;
  readonly tcp: boolean;
  /** Whether the kernel says when a packet left. */
  readonly sendStamps: boolean;
  /** Empty, or one sentence about what is missing and what would help. */
  readonly why: string;
};

/** Counts since the engine was opened. */
export type EngineCounts = {
  readonly sent: number;
  /** Answers past their deadline. */
  readonly late: number;
  readonly duplicate: number;
  /** Answers that are nobody's: forged, cut short or from elsewhere. */
  readonly stray: number;
  /** Errors that quote too little of the packet to say which one it was. */
  readonly unattributed: number;
  /** Answers that a socket had no room for. */
  readonly socketDrops: number;
  /** Sends that were repeated because the socket had another packet's error to report. */
  readonly sendRetries: number;
  /** Round trips whose stamps disagreed with the monotonic clock. */
  readonly clockSteps: number;
};

/** The counts of an engine before its first probe. */
export const noCounts = {
  sent: 0,
  late: 0,
  duplicate: 0,
  stray: 0,
  unattributed: 0,
  socketDrops: 0,
  sendRetries: 0,
  clockSteps: 0,
} as const satisfies EngineCounts;

/** Those counts, and how many probes are under way now. */
export type EngineStats = EngineCounts & { readonly inFlight: number };

/** Sends single probes and waits for what comes of them. One for a whole process. */
export type ProbeEngine = AsyncDisposable & {
  readonly capabilities: Capabilities;
  /** Never rejects. Ends early, as `engine`, when the signal fires or the engine is closed. */
  readonly probe: (request: ProbeRequest, signal?: AbortSignal) => Promise<ProbeOutcome>;
  readonly stats: () => EngineStats;
};

/** An engine that can do nothing, and says why. */
export const noEngine = (why: string): ProbeEngine => ({
  capabilities: { icmp4: 'none', icmp6: 'none', udp: false, tcp: false, sendStamps: false, why },
  probe: async () => ({ kind: 'engine', why }),
  stats: () => ({ ...noCounts, inFlight: 0 }),
  [Symbol.asyncDispose]: async () => {},
});
