import { isSecretHeader, secretsInDialogue, secretsInText } from '../protocol/literal-secrets.ts';
import type { Path } from './problem.ts';
import { exampleReference } from './secrets.ts';

/** A secret that is written out in settings where a plain text may stand: where, and what to write. The message does not repeat it. */
export type PlaintextSecret = { readonly path: Path; readonly message: string };

const reads = 'reads like a secret in plaintext';

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];

const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const inHeaders = (headers: unknown): readonly PlaintextSecret[] =>
  entriesOf(headers).flatMap(([name, value]) =>
    typeof value === 'string' && isSecretHeader(name, value)
      ? [{ path: ['headers', name], message: `${reads}; write a reference, for example ${exampleReference}` }]
      : [],
  );

const inMoreHeaders = (headers: unknown): readonly PlaintextSecret[] =>
  entriesOf(headers).flatMap(([name, row]) =>
    itemsOf(new Map(entriesOf(row)).get('values')).flatMap((value, index) =>
      typeof value === 'string' && isSecretHeader(name, value)
        ? [
            {
              path: ['http_headers', name, 'values', index],
              message: `${reads}; write it under \`secrets\` as a reference, for example ${exampleReference}`,
            },
          ]
        : [],
    ),
  );

const inBody = (body: unknown): readonly PlaintextSecret[] =>
  typeof body === 'string' && secretsInText(body).length > 0
    ? [
        {
          path: ['body'],
          message: `holds what ${reads}; write the whole body as a reference, for example ${exampleReference}`,
        },
      ]
    : [];

const inDialogue = (steps: unknown): readonly PlaintextSecret[] => {
  const sends = itemsOf(steps).map((step) => {
    const send = new Map(entriesOf(step)).get('send');
    return typeof send === 'string' ? send : '';
  });
  return secretsInDialogue(sends).flatMap((secrets, index) =>
    secrets.length === 0
      ? []
      : [
          {
            path: ['query_response', index, 'send'],
            message: `holds what ${reads}; write the whole line as a reference, for example ${exampleReference}`,
          },
        ],
  );
};

/**
 * The secrets that are written out in the block of a prober or an endpoint: in headers, a body, the lines of a dialogue. By the names
 * and forms of `protocol/secret-names.ts` and `protocol/literal-secrets.ts`.
 */
export const plaintextSecretsIn = (settings: unknown): readonly PlaintextSecret[] => {
  const keys = new Map(entriesOf(settings));
  return [
    ...inHeaders(keys.get('headers')),
    ...inMoreHeaders(keys.get('http_headers')),
    ...inBody(keys.get('body')),
    ...inDialogue(keys.get('query_response')),
  ];
};
