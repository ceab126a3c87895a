import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The page as it is served: one file, and the policy that allows what is in it and nothing else. */
export type PageFile = { readonly html: string; readonly policy: string };

/** Beside the bundle, or where `npm run build` puts it in a checkout. */
const places = ['page.html', '../../dist/page.html'];

/** Reads the page; one that says how to build it if it is not there. */
export const pageFile = (): PageFile => {
  const path = places.map((place) => join(import.meta.dirname, place)).find((one) => existsSync(one));
  const html = path === undefined ? missing : readFileSync(path, 'utf8');
  return { html, policy: policyOf(html) };
};

const missing =
  '<!doctype html><html lang="en"><title>Bothways</title><p>The page is not built. Run <code>npm run build</code>; the data is at <a href="api/status">api/status</a>.</html>\n';

/** Scripts are named by their hash, so that none can be smuggled in (CSP 3, section 2.3.1). */
const policyOf = (html: string): string => {
  const scripts = [...html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${scripts.length === 0 ? "'none'" : scripts.join(' ')}`,
    "style-src 'unsafe-inline'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
};
