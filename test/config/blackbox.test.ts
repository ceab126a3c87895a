import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Loaded, loadTexts } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { probers } from '../../src/probers/index.ts';
import { withReferences } from './lists.ts';

const load = (text: string): Loaded => loadTexts([{ file: 'list.yaml', text: withReferences(text) }], { probers });

const good = (text: string): Extract<Loaded, { readonly ok: true }> => {
  const loaded = load(text);
  if (!loaded.ok) assert.fail(loaded.problems.map(problemText).join('\n'));
  return loaded;
};

test('config: modules of a blackbox.yml load as they are, with the habits of YAML for Go', () => {
  const { list } = good(`
modules:
  http_2xx: { prober: http, http: }
  http_everything:
    prober: http
    timeout: 1.5s
    http:
      valid_status_codes:
      method: PUT
      headers: { X-Number: 1.0, X-Yes: true, Host: shop.example.com }
      body: '{"a": 1}'
      fail_if_body_not_matches_regexp: ["ok"]
      basic_auth: { username: 7, password: "{{env:PASSWORD}}" }
      tls_config: { insecure_skip_verify: true, min_version: TLS10 }
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
  smtp_starttls:
    prober: tcp
    timeout: 5s
    tcp:
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
        - send: "EHLO prober\\r"
        - expect: "^250-STARTTLS"
        - send: "STARTTLS\\r"
        - expect: "^220"
        - starttls: true
  irc: { prober: tcp, tcp: { query_response: [{ send: "NICK x" }, { expect: "PING :([^ ]+)", send: "PONG {{1}}" }] } }
  dns_soa:
    prober: dns
    dns:
      query_name: example.com
      query_type: SOA
      valid_rcodes: [NOERROR, NXDOMAIN]
      validate_answer_rrs: { fail_if_not_matches_regexp: ["SOA"] }
`);
  const { http } = JSON.parse(JSON.stringify(list.modules.http_everything));
  assert.deepEqual(http.headers, { 'X-Number': '1.0', 'X-Yes': 'true', Host: 'shop.example.com' });
  assert.deepEqual(http.basic_auth, { username: '7', password: { secret: 'env:PASSWORD' } });
});

const unsupported = `
modules:
  m: { prober: http, http: { proxy_url: "http://proxy:3128", oauth2: { client_id: x } } }
  sock: { prober: unix }
  http_2xx: { prober: http, http: { enable_http3: true } }
vantages: { laptop: { kind: agent } }
`;

test('config: a module that cannot be honoured is refused by name where a target uses it', () => {
  const problemsWith = (targets: string): string => {
    const loaded = load(`${unsupported}targets: [${targets}]`);
    assert.equal(loaded.ok, false, targets);
    return loaded.problems.map(problemText).join('\n');
  };
  const used = problemsWith('{ target: "https://x.example", module: m }, { target: "tcp://x:1", also: [sock] }');
  assert.match(used, /^list\.yaml:3 modules\.m\.http\.proxy_url: .*not supported yet/m);
  assert.match(used, /^list\.yaml:3 modules\.m\.http\.oauth2: .*not supported yet/m);
  assert.match(used, /^list\.yaml:4 modules\.sock\.prober: must be one of .*; saw "unix"$/m);
  assert.equal(used.includes('3128'), false);
  assert.match(
    used,
    /^list\.yaml:7 targets\[0\]\.module: the module "m" cannot be used; see what is reported at its place/m,
  );
  assert.equal(used.split('\n').length, 5, used);
  // A target that names no module uses the one of the list that has the name of the first built-in one.
  assert.match(problemsWith('https://x.example'), /^list\.yaml:5 modules\.http_2xx\.http\.enable_http3: HTTP\/3/m);
});

test('config: a module that cannot be honoured and that no target uses is a warning', () => {
  const { warnings, compiled } = good(`${unsupported}targets: ["tcp://x:1"]`);
  const texts = warnings.map(problemText).sort();
  assert.equal(texts.length, 3);
  assert.match(texts[0] ?? '', /^list\.yaml:3 modules\.m\.http\.\w+: .* \(and 1 more\); no target uses this module/);
  assert.match(
    texts[1] ?? '',
    /^list\.yaml:4 modules\.sock\.prober: .*; no target uses this module, so it is left out$/,
  );
  assert.equal(compiled.checks.length, 1);
});

test('config: values that ask for nothing are nothing', () => {
  const { warnings } = good(`
modules:
  m:
    prober: http
    http:
      proxy_url: ""
      no_proxy: ""
      proxy_from_environment: false
      proxy_connect_header: {}
      skip_resolve_phase_with_proxy: false
      enable_http3: false
      oauth2:
      fail_if_body_json_matches_cel: ""
vantages: { laptop: { kind: agent } }
targets: [{ target: "https://x.example", module: m }]
`);
  assert.deepEqual(warnings.map(problemText), []);
});

test('config: common spellings are taken, with a warning that says what they mean', () => {
  const { warnings, compiled } = good(`
modules:
  m:
    prober: http
    http:
      valid_http_versions: [HTTP/1.1, HTTP/2, http/1.0]
      preferred_ip_protocol: IPv4
      ip_protocol_fallback: no
      fail_if_ssl: Off
      follow_redirects: yes
      method: yes
      tls_config: { min_version: tls12 }
  d: { prober: dns, dns: { query_name: x.test, query_type: a, transport_protocol: TCP, valid_rcodes: [noerror] } }
vantages: { laptop: { kind: agent } }
targets: [{ target: "https://x.example", module: m }, { target: "192.0.2.53", module: d }]
`);
  const [http, dns] = compiled.checks.map(({ module }) => JSON.parse(JSON.stringify(module.settings)));
  assert.deepEqual(http.valid_http_versions, ['HTTP/1.1', 'HTTP/2.0', 'HTTP/1.0']);
  assert.equal(http.preferred_ip_protocol, 'ip4');
  assert.deepEqual([http.ip_protocol_fallback, http.fail_if_ssl, http.follow_redirects], [false, false, true]);
  assert.deepEqual([http.method, http.tls_config.min_version], ['yes', 'TLS12']);
  assert.deepEqual([dns.query_type, dns.transport_protocol, dns.valid_rcodes], ['A', 'tcp', ['NOERROR']]);
  const texts = warnings.map(problemText);
  assert.equal(texts.length, 10, texts.join('\n'));
  assert.ok(
    texts.includes(
      'list.yaml:6 modules.m.http.valid_http_versions[1]: "HTTP/2" is taken as "HTTP/2.0"; write "HTTP/2.0"',
    ),
  );
  assert.ok(texts.includes('list.yaml:8 modules.m.http.ip_protocol_fallback: "no" is taken as false; write false'));
});

test('config: what is no spelling of anything is still refused', () => {
  for (const [key, value] of [
    ['preferred_ip_protocol', 'ip5'],
    ['fail_if_ssl', 'maybe'],
    ['valid_http_versions', '[HTTP/4]'],
  ]) {
    const loaded = load(`
modules: { m: { prober: http, http: { ${key}: ${value} } } }
vantages: { laptop: { kind: agent } }
targets: [{ target: "https://x.example", module: m }]
`);
    assert.equal(loaded.ok, false, key);
  }
});

test('config: the real probers take their short forms', () => {
  const { compiled } = good(`
vantages: { laptop: { kind: agent } }
targets:
  - https://www.example.com/path?x=1
  - http://[2001:db8::1]:8080
  - tcp://db.prod.svc:5432
  - tls://mail.example.com:993
  - { name: zone, target: "dns://192.0.2.53/example.com?type=SOA", from: [laptop] }
  - { name: web, target: shop.example.com, module: http_2xx, also: [tcp] }
`);
  assert.deepEqual(
    compiled.checks.map(({ target, module, instance }) => [target.name, module.prober, instance]),
    [
      ['www.example.com/path', 'http', 'https://www.example.com/path?x=1'],
      ['[2001:db8::1]:8080', 'http', 'http://[2001:db8::1]:8080'],
      ['db.prod.svc:5432', 'tcp', 'tcp://db.prod.svc:5432'],
      ['mail.example.com:993', 'tcp', 'tls://mail.example.com:993'],
      ['zone', 'dns', 'dns://192.0.2.53/example.com?type=SOA'],
      ['web', 'http', 'shop.example.com'],
      ['web', 'tcp', 'tcp://shop.example.com:80'],
    ],
  );
  const dns = JSON.parse(JSON.stringify(compiled.checks[4]?.module.settings));
  assert.deepEqual([dns.query_name, dns.query_type], ['example.com', 'SOA']);
});
