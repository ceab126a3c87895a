/** Record types by mnemonic (IANA, Domain Name System Parameters); those whose data has a text form of its own here, and those that are asked for only. */
export const types = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  KEY: 25,
  PX: 26,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  EUI48: 108,
  EUI64: 109,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const;

/** A key of {@link types}. */
export type TypeName = keyof typeof types;

/** Classes by mnemonic (RFC 1035, section 3.2.4; RFC 2136). */
export const classes = { IN: 1, CS: 2, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

/** A key of {@link classes}. */
export type ClassName = keyof typeof classes;

/** Response codes by mnemonic (RFC 1035, section 4.1.1; RFC 2136; RFC 6895). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADSIG: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const;

/** A key of {@link rcodes}. */
export type RcodeName = keyof typeof rcodes;

const namesOf = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, number]) => [number, name]));

const typeNames = namesOf(types);
const classNames = namesOf(classes);
const rcodeNames = new Map([...namesOf(rcodes), [rcodes.BADVERS, 'BADVERS']]);

/** The mnemonic of a type, or `TYPE123` (RFC 3597, section 5). */
export const typeName = (type: number): string => typeNames.get(type) ?? `TYPE${type}`;
/** The mnemonic of a class, or `CLASS123` (RFC 3597, section 5). */
export const className = (value: number): string => classNames.get(value) ?? `CLASS${value}`;
/** The mnemonic of a response code, or `RCODE12`. */
export const rcodeName = (rcode: number): string => rcodeNames.get(rcode) ?? `RCODE${rcode}`;
