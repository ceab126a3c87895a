/** A program that tests run beside ours: which one, from where, and how its path is given by hand. */
export type PeerRow = {
  /** What the tests use it for. */
  readonly for: string;
  /** Its name in PATH. */
  readonly command: string;
  /** Arguments that make it say its version. */
  readonly version: readonly string[];
  /** Versions that will do: from this one, and below that one. */
  readonly from: string;
  readonly below?: string;
  /** The environment variable that names its path. */
  readonly variable: string;
  /** Debian's package of it. */
  readonly package: string;
  /** Debian's suite to take it from; without it, what the machine is set up for, libraries included. */
  readonly suite?: 'bookworm' | 'sid';
  /** Where the program is inside the package. */
  readonly program: string;
};

/** THE table of programs that tests run beside ours. A row here is fetched by `npm run peers` and found by `peer`. */
export const peerTable = {
  'prometheus-2.42': {
    for: 'remote write to an old receiver',
    command: 'prometheus',
    version: ['--version'],
    from: '2.42',
    below: '2.43',
    variable: 'BOTHWAYS_PROMETHEUS_2_42',
    package: 'prometheus',
    suite: 'bookworm',
    program: 'usr/bin/prometheus',
  },
  'prometheus-3.5': {
    for: 'remote write to a new receiver',
    command: 'prometheus',
    version: ['--version'],
    from: '3.5',
    variable: 'BOTHWAYS_PROMETHEUS',
    package: 'prometheus',
    suite: 'sid',
    program: 'usr/bin/prometheus',
  },
  'blackbox-exporter': {
    for: 'comparing what probes say and cost',
    command: 'prometheus-blackbox-exporter',
    version: ['--version'],
    from: '0.28',
    variable: 'BOTHWAYS_BLACKBOX_EXPORTER',
    package: 'prometheus-blackbox-exporter',
    suite: 'sid',
    program: 'usr/bin/prometheus-blackbox-exporter',
  },
  nginx: {
    for: 'HTTP as the world serves it',
    command: 'nginx',
    version: ['-v'],
    from: '1.18',
    variable: 'BOTHWAYS_NGINX',
    package: 'nginx',
    program: 'usr/sbin/nginx',
  },
  'gnutls-serv': {
    for: 'a TLS server without secure renegotiation',
    command: 'gnutls-serv',
    version: ['--version'],
    from: '3.6',
    variable: 'BOTHWAYS_GNUTLS_SERV',
    package: 'gnutls-bin',
    program: 'usr/bin/gnutls-serv',
  },
  curl: {
    for: 'comparing which HTTP answers are taken',
    command: 'curl',
    version: ['--version'],
    from: '7.74',
    variable: 'BOTHWAYS_CURL',
    package: 'curl',
    program: 'usr/bin/curl',
  },
  dnsmasq: {
    for: 'DNS as the world serves it',
    command: 'dnsmasq',
    version: ['--version'],
    from: '2.80',
    variable: 'BOTHWAYS_DNSMASQ',
    package: 'dnsmasq-base',
    program: 'usr/sbin/dnsmasq',
  },
  dig: {
    for: 'the text form of DNS records',
    command: 'dig',
    version: ['-v'],
    from: '9.16',
    variable: 'BOTHWAYS_DIG',
    package: 'bind9-dnsutils',
    program: 'usr/bin/dig',
  },
  chromium: {
    for: 'the page as a browser shows it',
    command: 'chromium',
    version: ['--version'],
    from: '120',
    variable: 'BOTHWAYS_CHROMIUM',
    package: 'chromium',
    program: 'usr/lib/chromium/chromium',
  },
  'victoria-metrics': {
    for: 'remote write to another receiver, and dashboards in its language',
    command: 'victoria-metrics',
    version: ['--version'],
    from: '1.145',
    variable: 'BOTHWAYS_VICTORIA_METRICS',
    package: 'victoria-metrics',
    suite: 'sid',
    program: 'usr/bin/victoria-metrics',
  },
  ip: {
    for: 'the network lab',
    command: 'ip',
    version: ['-V'],
    from: '5',
    variable: 'BOTHWAYS_IP',
    package: 'iproute2',
    program: 'bin/ip',
  },
  nft: {
    for: 'faults in the network lab',
    command: 'nft',
    version: ['--version'],
    from: '0.9',
    variable: 'BOTHWAYS_NFT',
    package: 'nftables',
    program: 'usr/sbin/nft',
  },
  fping: {
    for: 'comparing what pings say and cost',
    command: 'fping',
    version: ['--version'],
    from: '4',
    variable: 'BOTHWAYS_FPING',
    package: 'fping',
    program: 'usr/bin/fping',
  },
  mtr: {
    for: 'comparing paths',
    command: 'mtr',
    version: ['--version'],
    from: '0.90',
    variable: 'BOTHWAYS_MTR',
    package: 'mtr-tiny',
    program: 'usr/bin/mtr',
  },
  traceroute: {
    for: 'comparing paths',
    command: 'traceroute.db',
    version: ['--version'],
    from: '2',
    variable: 'BOTHWAYS_TRACEROUTE',
    package: 'traceroute',
    program: 'usr/bin/traceroute.db',
  },
  kubectl: {
    for: 'building the manifests as `kubectl apply -k` does',
    command: 'kubectl',
    version: ['version', '--client'],
    from: '1.30',
    variable: 'BOTHWAYS_KUBECTL',
    package: 'kubectl',
    suite: 'sid',
    program: 'usr/bin/kubectl',
  },
  'systemd-analyze': {
    for: 'checking the unit and how hardened it is',
    command: 'systemd-analyze',
    version: ['--version'],
    from: '252',
    variable: 'BOTHWAYS_SYSTEMD_ANALYZE',
    package: 'systemd',
    program: 'usr/bin/systemd-analyze',
  },
  buildah: {
    for: 'building the image',
    command: 'buildah',
    version: ['--version'],
    from: '1.28',
    variable: 'BOTHWAYS_BUILDAH',
    package: 'buildah',
    program: 'usr/bin/buildah',
  },
  runc: {
    for: 'running the image',
    command: 'runc',
    version: ['--version'],
    from: '1.1',
    variable: 'BOTHWAYS_RUNC',
    package: 'runc',
    program: 'usr/sbin/runc',
  },
} as const satisfies Readonly<Record<string, PeerRow>>;

/** A key of {@link peerTable}. */
export type PeerName = keyof typeof peerTable;
