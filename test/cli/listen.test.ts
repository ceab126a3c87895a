import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseListen } from '../../src/cli/listen.ts';

test('listen: host and port, IPv6 in brackets', () => {
  assert.deepEqual(parseListen('127.0.0.1:9115'), { host: '127.0.0.1', port: 9_115 });
  assert.deepEqual(parseListen('[::1]:0'), { host: '::1', port: 0 });
  assert.deepEqual(parseListen('localhost:65535'), { host: 'localhost', port: 65_535 });
  for (const bad of ['9115', ':9115', '127.0.0.1', '127.0.0.1:', 'a:65536', '::1:9115', 'http://a:1', '[::1]', ''])
    assert.equal(parseListen(bad), undefined, bad);
});
