import { addressKind } from '../protocol/address-kind.ts';
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
    mayDial: options.mayDial ?? isProbeable,
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

/**
 * Whether an address may be probed unless the list says more: metadata services never are, link-local addresses are where a target
 * says `link_local: allow`. A text that is not an address is not dialled.
 */
export const isProbeable = (ip: string): boolean => {
  const bytes = addressBytes(ip);
  return bytes !== undefined && addressKind(bytes) === 'ordinary';
};
