import { printable } from './printable.ts';

/** How far a probe had come when it failed. The values of the label `phase` of `probe_failure_info`. */
export const phases = {
  setup: 'Before anything was sent: the target, the settings or a file they name.',
  resolve: 'Turning the name into an address.',
  connect: 'Opening the TCP connection.',
  tls: 'The TLS handshake and the verification of the certificates.',
  request: 'Sending the request.',
  processing: 'Waiting for the first byte of the answer.',
  transfer: 'Reading the answer.',
  check: 'Judging the answer by the rules of the module.',
} as const;

/** A key of {@link phases}. */
export type Phase = keyof typeof phases;

type Entry = { readonly means: string; readonly look: string };

/**
 * Every reason a probe can fail for: what it means, and where to look first.
 * A closed set, a legal label value each, stable across releases; a retired one is never used for something else.
 */
export const reasons = {
  // setup
  target_invalid: {
    means: 'The target is not of a form that its prober can use.',
    look: 'The `target` in the list; `bothways check` names its line.',
  },
  secret_unavailable: {
    means: 'A secret that the probe needs could not be read where the probe runs.',
    look: 'The environment variable, file or parameter that the detail names.',
  },
  file_unreadable: {
    means: 'A file that the module names (a certificate, a key, a body) could not be read or used.',
    look: 'The path in the detail, and its permissions at the vantage.',
  },

  // resolve
  dns_no_such_name: {
    means: 'The name server says that the name does not exist (NXDOMAIN).',
    look: 'The spelling, the zone, and whether this vantage should see it.',
  },
  dns_no_address: {
    means: 'The name exists but has no address of the wanted family.',
    look: 'A and AAAA records; `preferred_ip_protocol` and `ip_protocol_fallback`.',
  },
  dns_server_failure: {
    means: 'The name servers answered with an error (SERVFAIL, REFUSED) or with rubbish.',
    look: "The zone's delegation and DNSSEC; the resolver in resolv.conf.",
  },
  dns_timeout: {
    means: 'No name server answered within the time limit.',
    look: 'The resolver, and the network between it and this vantage.',
  },
  dns_unreachable: {
    means: 'No name server could be reached: the system refused to send, or the server refused the packet.',
    look: 'The name servers in resolv.conf, routes and firewalls at the vantage.',
  },
  blocked_address: {
    means:
      'The name leads to an address that this vantage must not probe (metadata services, link-local and private ranges).',
    look: 'The DNS record first; then `link_local: allow` or `private: allow`, if it is meant.',
  },

  // connect
  connect_refused: {
    means: 'The target answered the connection attempt with a reset: nothing listens there.',
    look: 'The service and its port; a load balancer without healthy backends.',
  },
  connect_timeout: {
    means: 'The connection was not established within the time limit: packets are lost or dropped.',
    look: 'Firewalls, security groups, routes; the host itself.',
  },
  connect_reset: {
    means: 'The connection was reset while it was being established or right after.',
    look: 'A load balancer or proxy in front; connection limits.',
  },
  unreachable: {
    means:
      'The address cannot be reached: the network said so, or this host has no route or a packet filter in the way.',
    look: 'The detail, which says who refused; routes and packet filters there; IPv6 without an IPv6 uplink.',
  },
  source_address_unavailable: {
    means: 'The local address to connect from does not exist at this vantage or is in use.',
    look: '`source_ip_address` in the module.',
  },
  local_resources: {
    means: 'The vantage had no ports, descriptors, buffers or memory for bodies left; the target is not to blame.',
    look: 'Limits of the vantage (`ulimit -n`, local port range); for bodies the 64 MiB that all runs share.',
  },

  // tls
  tls_expired: {
    means: 'A certificate that the server sent has expired.',
    look: 'Renewal, and whether the server loaded the new certificate.',
  },
  tls_not_yet_valid: {
    means: 'A certificate that the server sent is not valid yet.',
    look: "The certificate's start date; the clock of this vantage.",
  },
  tls_self_signed: {
    means: "The server's certificate is signed by itself and is not trusted.",
    look: 'The default certificate of an ingress often shows here; or add `ca_file`.',
  },
  tls_unknown_issuer: {
    means: 'The chain ends at an authority that is not trusted here.',
    look: '`ca_file` for a private authority; otherwise an intercepting proxy.',
  },
  tls_incomplete_chain: {
    means: 'The server did not send the intermediate certificate that leads to a trusted authority.',
    look: 'The certificate bundle of the server: leaf first, then intermediates.',
  },
  tls_name_mismatch: {
    means: 'The certificate is not for the name that was asked for.',
    look: 'The names in the certificate; `server_name`; the virtual host that answered.',
  },
  tls_weak_key: {
    means: 'A certificate has a key or signature that is too weak to be trusted.',
    look: 'RSA keys under 2,048 bits, SHA-1 signatures.',
  },
  tls_invalid_certificate: {
    means: 'A certificate cannot be used: bad signature, wrong purpose, broken constraint or unreadable.',
    look: 'The detail names the check that failed.',
  },
  tls_client_certificate_required: {
    means: 'The server asks for a client certificate and refused ours, or got none.',
    look: '`cert_file` and `key_file` in `tls_config`.',
  },
  tls_protocol: {
    means: 'No TLS connection: no common version or cipher, an alert, or the peer does not speak TLS.',
    look: '`min_version`; whether the port speaks TLS at all.',
  },
  tls_timeout: {
    means: 'The TLS handshake did not finish within the time limit.',
    look: 'A server that accepts but does not answer; path MTU problems.',
  },
  tls_reset: {
    means: 'The connection was closed or reset during the TLS handshake.',
    look: 'SNI routing at a load balancer; a server without a certificate for this name.',
  },

  // request, processing, transfer
  icmp_not_permitted: {
    means: 'The process that probes may not send ICMP; the target is not to blame.',
    look: 'What the detail names: mostly the sysctl `net.ipv4.ping_group_range` at the vantage; else a security policy or the kernel.',
  },
  no_reply: {
    means: 'No echo reply came within the time limit: packets are lost or dropped, or the host is down.',
    look: 'The host; firewalls that drop ICMP; `bothways trace` for the place.',
  },
  packet_loss: {
    means: 'More packets were lost than the module allows.',
    look: '`max_loss_ratio`; the path, with `bothways trace`.',
  },
  packet_too_big: {
    means: 'The packet may not be cut and is larger than a link on the way carries.',
    look: 'The size in the detail: tunnels and their MTU; `payload_size`.',
  },
  ttl_exceeded: {
    means: 'The time to live of the packet ended on the way.',
    look: '`ttl` in the module; a routing loop at the router in the detail.',
  },
  routing_loop: {
    means: 'Routers hand the packets round in a circle.',
    look: 'The routes of the routers in the detail.',
  },
  path_silent: {
    means: 'Nobody answered from some hop on, the target included.',
    look: 'The hop behind the last one that answered, which the detail names.',
  },
  timeout: {
    means: 'The probe did not finish within its time limit; the phase says where it stood.',
    look: 'The phase: `processing` is the server thinking, `transfer` a slow body, `check` a large regular expression. Where the detail says that the process was busy, the target sends more than is read beside other checks.',
  },
  connection_reset: {
    means: 'The established connection was reset by the peer.',
    look: 'Crashes and idle limits of the server or its proxy.',
  },
  connection_closed: {
    means: 'The peer closed the connection before its answer was complete.',
    look: 'Crashes of the server; a body shorter than announced.',
  },
  protocol_error: {
    means: 'The answer is not of the protocol that was expected.',
    look: 'What really listens there: the detail names the bytes, header or frame at fault. For HTTP/2, `enable_http2: false` asks the same server over HTTP/1.1.',
  },
  headers_too_large: {
    means: 'The head of the HTTP answer is larger than the limit.',
    look: 'Runaway cookies; the limit is 256 KiB, interim answers included.',
  },
  body_encoding: {
    means: 'The body could not be decompressed as the module says.',
    look: '`compression` in the module against what the server sends.',
  },
  body_too_large: {
    means: 'The body is larger than the limit.',
    look: '`body_size_limit`, or what the server suddenly sends.',
  },
  redirect_invalid: { means: 'A redirect has no usable location.', look: 'The Location header of the answer.' },
  redirect_refused: {
    means: 'A redirect with status 307 or 308 would have sent the body of the request to another origin.',
    look: 'The origin in the detail: if it is the right one, write it as the target.',
  },
  too_many_redirects: {
    means: 'More than ten redirects in a row.',
    look: 'A redirect loop between http and https, or between two hosts.',
  },

  // check
  http_status: {
    means: 'The status code is not one that the module accepts.',
    look: "The server's error; `valid_status_codes`.",
  },
  http_version: {
    means: 'The HTTP version is not one that the module accepts.',
    look: '`valid_http_versions`; ALPN at the load balancer.',
  },
  ssl_unexpected: { means: 'The answer came over TLS although the module forbids it.', look: '`fail_if_ssl`.' },
  ssl_missing: {
    means: 'The answer came without TLS although the module demands it.',
    look: '`fail_if_not_ssl`; a redirect to plain HTTP.',
  },
  header_mismatch: {
    means: 'A header of the answer breaks a rule of the module.',
    look: 'The rule that the detail names.',
  },
  body_mismatch: { means: 'The body breaks a rule of the module.', look: 'The rule that the detail names.' },
  dns_rcode: {
    means: "The answer's response code is not one that the module accepts.",
    look: '`valid_rcodes`; the zone on the server that was asked.',
  },
  dns_records_mismatch: {
    means: 'The records of the answer break a rule of the module.',
    look: 'The rule that the detail names.',
  },
  expect_mismatch: {
    means: 'The peer did not say what the module expects.',
    look: 'The step of `query_response` that the detail names.',
  },

  unexpected: { means: 'Anything not in this table; please report it.', look: 'The detail, and `--debug`.' },
} as const satisfies Readonly<Record<string, Entry>>;

/** A key of {@link reasons}. */
export type Reason = keyof typeof reasons;

/** Why a probe failed: `reason` and `phase` for machines, `detail` one sentence for people, without secrets; never a label. */
export type Failure = { readonly reason: Reason; readonly phase: Phase; readonly detail: string };

/** The longest detail, in characters. */
const longestDetail = 1_024;

/** A {@link Failure} from its three parts. The detail can hold a peer's words, so it is cut and its control characters are visible. */
export const failure = (reason: Reason, phase: Phase, detail: string): Failure => ({
  reason,
  phase,
  detail: printable(detail.length > longestDetail ? `${detail.slice(0, longestDetail)}…` : detail),
});
