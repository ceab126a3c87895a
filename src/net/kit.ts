import { addressBytes } from '../protocol/ip-address.ts';
import { type AwsParts, aws as awsCalls } from './aws/aws.ts';
import { parameters } from './aws/parameters.ts';
import { files } from './files.ts';
import { noEngine, type ProbeEngine } from './icmp/engine.ts';
import type { Kit } from './prober.ts';
import { proxyFor } from './proxy.ts';
import { type Resolver, resolver as stubResolver } from './resolve.ts';
import { secrets } from './secrets.ts';
import { trust } from './trust.ts';

/** What a door may choose for its kit. */
export type KitOptions = {
  readonly resolver?: Resolver;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Secrets that stood in the list, by reference. */
  readonly literals?: ReadonlyMap<string, string>;
  /** Folder of the files that travel with a packed list. */
  readonly packedFiles?: string;
  readonly mayDial?: (ip: string) => boolean;
  /** Asks a person's own tools for credentials; for the command line and the agent. */
  readonly askForCredentials?: NonNullable<AwsParts['ask']>;
  /** Opens the engine for ping and paths. Where none is given there is no ICMP. */
  readonly engine?: () => Promise<ProbeEngine>;
};

/**
 * Makes what one process owns. Secrets come from `environment`, which is empty unless given: only the door reads the real one.
 * Disposing closes everything, in the reverse order of making.
 */
export const kit = (options: KitOptions = {}): Kit => {
  const stack = new AsyncDisposableStack();
  const owned = new Map<string, AsyncDisposable>();
  const resolver = stack.use(options.resolver ?? stubResolver());
  const file = files(options.packedFiles);
  const { environment = {}, literals = new Map<string, string>(), askForCredentials: ask } = options;
  const aws = stack.use(awsCalls({ environment, file, ...(ask === undefined ? {} : { ask }) }));
  const parameter = parameters({ aws, region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION });
  const secret = secrets({ environment, literals, file, parameter });
  let engine: Promise<ProbeEngine> | undefined;
  let opened: ProbeEngine | undefined;
  stack.defer(async () => (await engine)?.[Symbol.asyncDispose]());
  const own = <T extends AsyncDisposable>(key: string, make: () => T): T => {
    const there = owned.get(key);
    // safe: one key belongs to one maker
    if (there !== undefined) return there as T;
    const made = stack.use(make());
    owned.set(key, made);
    return made;
  };
  return {
    resolver,
    secret,
    aws,
    file,
    mayDial: options.mayDial ?? isNoMetadata,
    trust: trust({ file, secret }),
    proxyFor: (url) => proxyFor(url, environment),
    engine: () => {
      engine ??= (options.engine?.() ?? Promise.resolve(noEngine('there is no ICMP here'))).then((one) => {
        opened = one;
        return one;
      });
      return engine;
    },
    openedEngine: () => opened,
    own,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/** Services that hand out credentials to whoever asks from a machine: AWS (IMDS, ECS, EKS), and Alibaba's. */
const metadata = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
  '100.100.100.200',
];
const forbidden = new Set(metadata);
const forbiddenBytes = new Set(metadata.map((ip) => String(addressBytes(ip))));

/** False for the addresses of metadata services, in whichever form they are written. */
export const isNoMetadata = (ip: string): boolean =>
  // An IPv4 address has one form only; IPv6 has many, and holds IPv4.
  ip.includes(':') ? !forbiddenBytes.has(String(addressBytes(ip))) : !forbidden.has(ip);
