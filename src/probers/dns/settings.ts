import { domainToASCII } from 'node:url';
import * as z from 'zod';
import { addressShape, patternText, sourceAddressShape, tlsSettings } from '../../net/settings.ts';
import { encodeName } from '../../protocol/dns-message.ts';
import { type ClassName, classes, type RcodeName, rcodes, type TypeName, types } from '../../protocol/dns-names.ts';

// safe: the keys of an object literal
const keysOf = <K extends string>(table: Readonly<Record<K, number>>) => Object.keys(table) as [K, ...K[]];

/**
 * The name to send for a `query_name`: an internationalised one in its ASCII form (RFC 5891), one with escapes as it is. `undefined` if it
 * cannot be sent.
 */
export const wireNameOf = (name: string): string | undefined => {
  const isAscii = !/\P{ASCII}/u.test(name);
  const wire = isAscii || name.includes('\\') ? name : domainToASCII(name);
  return wire !== '' && encodeName(wire) !== undefined ? wire : undefined;
};

const patterns = z.array(patternText).default([]);

const rules = z.strictObject({
  fail_if_matches_regexp: patterns.describe('Fail if any record matches any of these.'),
  fail_if_all_match_regexp: patterns.describe(
    'Fail if not all records match all of these: blackbox_exporter does the reverse of what the name says, and so do we.',
  ),
  fail_if_not_matches_regexp: patterns.describe(
    'Fail if any record does not match any one of these, or there are no records.',
  ),
  fail_if_none_matches_regexp: patterns.describe('Fail if no record matches any of these, or there are no records.'),
});

/** The `dns` block of a module, in blackbox_exporter's words. */
export const dnsSettings = z
  .strictObject({
    query_name: z
      .string()
      .min(1)
      .max(1_024)
      .refine((name) => wireNameOf(name) !== undefined, {
        error: 'not a name; labels have 1 to 63 bytes, a name has at most 255',
      })
      .describe('Name to ask for. An internationalised name is asked for in its ASCII form (xn--).'),
    query_type: z.enum(keysOf<TypeName>(types)).default('ANY').describe('Record type to ask for.'),
    query_class: z.enum(keysOf<ClassName>(classes)).default('IN').describe('Class to ask for.'),
    recursion_desired: z.boolean().default(true).describe('Ask the server to recurse.'),
    transport_protocol: z.enum(['udp', 'tcp']).default('udp').describe('Protocol to ask over.'),
    dns_over_tls: z.boolean().default(false).describe('Ask over TLS; needs transport_protocol tcp.'),
    tls_config: tlsSettings.prefault({}).describe('TLS settings.'),
    valid_rcodes: z
      .array(z.enum(keysOf<RcodeName>(rcodes)))
      .default(['NOERROR'])
      .describe('Accepted response codes.'),
    validate_answer_rrs: rules
      .prefault({})
      .describe('Rules for the answer section; records are matched as zone-file text.'),
    validate_authority_rrs: rules.prefault({}).describe('Rules for the authority section.'),
    validate_additional_rrs: rules.prefault({}).describe('Rules for the additional section.'),
    ...addressShape,
    ...sourceAddressShape,
  })
  .refine((dns) => !dns.dns_over_tls || dns.transport_protocol === 'tcp', {
    path: ['dns_over_tls'],
    error: 'dns_over_tls needs transport_protocol: tcp',
  });

/** See {@link dnsSettings}. */
export type DnsSettings = z.output<typeof dnsSettings>;
