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

test('config: keys of blackbox_exporter that are not supported yet are refused by name', () => {
  const loaded = load(`
modules:
  m: { prober: http, http: { proxy_url: "http://proxy:3128", oauth2: { client_id: x } } }
  sock: { prober: unix }
`);
  assert.equal(loaded.ok, false);
  const problems = loaded.problems.map(problemText).join('\n');
  assert.match(problems, /^list\.yaml:3 modules\.m\.http\.proxy_url: .*not supported yet/m);
  assert.match(problems, /^list\.yaml:3 modules\.m\.http\.oauth2: .*not supported yet/m);
  assert.match(problems, /^list\.yaml:4 modules\.sock\.prober: must be one of .*; saw "unix"$/m);
  assert.equal(problems.includes('3128'), false);
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
