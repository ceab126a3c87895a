import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** The name of a cluster, in whose name what a forged object holds is written. */
const cluster = 'prod-a';
const mebibyte = 1_024 * 1_024;

/** An object with a hash that fits, whatever its content is: who may write the object can make one. */
export const forged = (content: object): Buffer => {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12);
  return Buffer.from(JSON.stringify({ format: 2, hash, ...content }));
};

const vantages = [{ name: 'eu-west-1', kind: 'lambda', labels: {}, region: 'eu-west-1' }];
const target = (name: string) => ({
  ...{ name, address: 'https://www.example.com', side: 'outside', intervalMs: 60_000, labels: {} },
  ...{ profile: 'standard', names: [], quorum: 'majority' },
});
const module = (settings: unknown) => ({ name: 'm', prober: 'http', timeoutMs: 5_000, settings });
const rows = (count: number) =>
  Array.from({ length: count }, (_, index) => [`${cluster}/${index}@eu-west-1`, 'i', index, 0, 0, {}]);
const targets = (count: number) => Array.from({ length: count }, (_, index) => target(`${cluster}/${index}`));
const plain = { vantages, endpoints: [], externalLabels: {}, literals: {}, common: {}, targets: targets(600) };
const letters = (bytes: number) => 'x'.repeat(bytes);
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, '']));

/** So many mebibytes of blanks, compressed a thousandfold; members of gzip may follow each other. */
const bomb = (members: number, each: number): Buffer => {
  const member = gzipSync(Buffer.alloc(each * mebibyte, ' '));
  return Buffer.concat(Array.from({ length: members }, () => member));
};

/** Objects that a cluster could write, by what they are. Made when they are asked for, since some are large. */
export const hostileObjects: Readonly<Record<string, () => Buffer>> = {
  'a bomb of 10 GiB in 10 MB': () => bomb(100, 100),
  'a bomb of 500 MiB in 0.5 MB': () => bomb(5, 100),
  'a JSON bomb, compressed': () => gzipSync(`[${'[],'.repeat(2_500_000)}[]]`),
  '55 MB of JSON': () => forged({ ...plain, modules: [module({ body: letters(55e6) })], checks: rows(1) }),
  '600 checks with one module of 1 MB': () =>
    gzipSync(forged({ ...plain, modules: [module({ body: letters(1e6) })], checks: rows(600) })),
  '600 checks with one module of 50,000 headers': () =>
    gzipSync(forged({ ...plain, modules: [module({ headers: keys(50_000) })], checks: rows(600) })),
  '600 checks with one label set of 100,000': () =>
    gzipSync(forged({ ...plain, common: keys(100_000), modules: [module({})], checks: rows(600) })),
  '600 checks with one target of 100,000 labels': () =>
    gzipSync(
      forged({
        ...plain,
        targets: [{ ...target(`${cluster}/0`), labels: keys(100_000) }],
        modules: [module({})],
        checks: rows(600).map(([id, instance]) => [id, instance, 0, 0, 0, {}]),
      }),
    ),
  '200 modules of regular expressions that are slow to compile': () =>
    gzipSync(
      forged({
        ...plain,
        modules: Array.from({ length: 200 }, (_, index) =>
          module({ fail_if_body_matches_regexp: Array.from({ length: 1_000 }, () => `\\pL{1000}${index}`) }),
        ),
        checks: rows(200).map((row, index) => [...row.slice(0, 3), index, 0, {}]),
      }),
    ),
  '300,000 checks': () =>
    gzipSync(forged({ ...plain, modules: [module({})], checks: Array.from({ length: 300_000 }, () => []) })),
  'nesting of a million levels': () => Buffer.from(`${'['.repeat(1e6)}${']'.repeat(1e6)}`),
  'nesting of 1,000 levels in the settings': () => {
    const deep = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`);
    return gzipSync(forged({ ...plain, modules: [module({ body: deep })], checks: rows(1) }));
  },
  'a compressed list that is cut off': () => gzipSync(letters(100_000)).subarray(0, 60),
  'a compressed list with a wrong sum': () => {
    const body = gzipSync('{}');
    return Buffer.concat([body.subarray(0, -8), Buffer.alloc(8)]);
  },
  'an empty object': () => Buffer.alloc(0),
  'bytes that are no text': () => Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc0]),
  'keys of prototypes': () =>
    Buffer.from(
      forged({
        ...plain,
        ...JSON.parse('{"__proto__":{"checks":[1]},"constructor":{"prototype":{"x":1}}}'),
        targets: [JSON.parse('{"__proto__":{"name":"prod-a/x"},"toString":1}')],
        modules: [JSON.parse('{"__proto__":{"prober":"http"}}')],
        checks: [['__proto__', 'constructor', '__proto__', 'length', -1, JSON.parse('{"__proto__":{"a":1}}')]],
      }),
    ),
  'parts of other kinds': () => forged({ ...plain, vantages: [null, 7], modules: {}, checks: 'text' }),
  'rows of other kinds': () =>
    forged({
      ...plain,
      modules: [null],
      checks: [null, 7, 'x', {}, [[[]]], [{}, {}, 0, 0, 0, []], [1e300, 'i', 0.5, 0, 0, {}]],
    }),
};

/** Answers that never bring an object to its end, by what they do. */
export const hostileAnswers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'a byte now and then': (response) => {
    response.writeHead(200, { etag: '"slow"', 'content-length': 1_000 });
    const timer = setInterval(() => response.write(' '), 200);
    response.on('close', () => clearInterval(timer));
  },
  'nothing at all': () => undefined,
  'an end midway': (response) => {
    response.writeHead(200, { etag: '"half"', 'content-length': 1_000 });
    response.write('{"format":2', () => response.destroy());
  },
  'a flood without a length': (response) => {
    response.writeHead(200, { etag: '"flood"' });
    const flood = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
    };
    response.on('drain', flood);
    flood();
  },
  'a length of a petabyte': (response) => {
    response.writeHead(200, { etag: '"long"', 'content-length': 1e15 });
    response.write('{}');
  },
  'compression in the header alone': (response) => {
    response.writeHead(200, { etag: '"odd"', 'content-type': 'image/png', 'content-encoding': 'gzip' });
    response.end('{}');
  },
};
