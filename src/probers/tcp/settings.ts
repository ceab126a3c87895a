import * as z from 'zod';
import { everyAddressShape } from '../../net/each-address.ts';
import { addressShape, mayBeSecretText, patternText, sourceAddressShape, tlsSettings } from '../../net/settings.ts';

const reserved = /^(?:__.*|job|instance|name|vantage|vantage_.*)$/;

const label = z.strictObject({
  name: z
    .string()
    .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, { error: 'not the name of a label' })
    .refine((name) => !reserved.test(name), { error: 'labels of this name say whose series it is; choose another' })
    .describe('Name of the label.'),
  value: z.string().describe('Value; $1 and $name stand for what the expression captured.'),
});

const step = z
  .strictObject({
    expect: patternText.default('').describe('Read lines until this expression matches one.'),
    expect_bytes: z.string().meta({ bytes: true }).default('').describe('Read exactly these bytes.'),
    send: mayBeSecretText
      .meta({ secret: 'maybe', bytes: true })
      .default('')
      .describe(
        'Send this and a line feed; $1 and $name stand for what expect captured. It may be a reference to a secret, which is sent as it is.',
      ),
    labels: z.array(label).default([]).describe('Labels of probe_expect_info once expect has matched.'),
    starttls: z.boolean().default(false).describe('Then secure the connection.'),
  })
  .superRefine((one, context) => {
    if (one.expect !== '' && one.expect_bytes !== '')
      context.addIssue({ code: 'custom', path: ['expect_bytes'], message: 'at most one of expect and expect_bytes' });
  });

/** The `tcp` block of a module, in blackbox_exporter's words. */
export const tcpSettings = z
  .strictObject({
    tls: z.boolean().default(false).describe('Secure the connection from the start.'),
    tls_config: tlsSettings.prefault({}).describe('TLS settings, also for starttls.'),
    query_response: z.array(step).default([]).describe('What to expect and to send, step by step.'),
    ...addressShape,
    ...everyAddressShape,
    ...sourceAddressShape,
  })
  .superRefine((tcp, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: ['query_response', ...path], message });
    const names = new Set<string>();
    let secured = tcp.tls;
    for (const [index, one] of tcp.query_response.entries()) {
      for (const [at, { name }] of one.labels.entries()) {
        if (names.has(name)) refuse([index, 'labels', at, 'name'], 'this label is set twice');
        names.add(name);
      }
      if (one.starttls && secured) refuse([index, 'starttls'], 'the connection is secured already');
      secured ||= one.starttls;
    }
  });

/** See {@link tcpSettings}. */
export type TcpSettings = z.output<typeof tcpSettings>;
