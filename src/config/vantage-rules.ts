import type { Vantage } from '../kernel/check.ts';
import { formatDuration, parseDuration } from '../kernel/duration.ts';
import type { Prober } from '../net/prober.ts';
import type { VpcSettings } from './aws.ts';
import { functionTime, longestAtLambdaMs } from './function-time.ts';
import { isIpv6, isPrivate } from './hosts.ts';
import type { VantageEntry } from './schema.ts';
import { secretFileOf } from './secret-files.ts';
import { exampleParameter } from './secrets.ts';
import { variableIn } from './variables.ts';

/** What a rule looks at. */
export type Wish = {
  readonly host: string;
  readonly prober: string;
  readonly needs: Prober['needs'];
  readonly settings: unknown;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly private: 'allow' | 'refuse' | undefined;
};

/** Why a target cannot be probed from a vantage: the key to change, and a sentence; `undefined` if it can. */
export const vantageProblem = (
  wish: Wish,
  vantage: Vantage,
  entry: VantageEntry,
  vpc: VpcSettings | undefined,
): { readonly key: string; readonly message: string } | undefined => {
  const problem = vantage.kind === 'lambda' ? lambdaProblem(wish, vantage, entry, vpc) : undefined;
  if (problem !== undefined) return problem;
  const shortest =
    entry.min_interval === undefined ? shortestOf[vantage.kind] : (parseDuration(entry.min_interval) ?? 0);
  if (wish.intervalMs >= shortest) return undefined;
  const times = `${formatDuration(wish.intervalMs)} is below the shortest of vantage ${vantage.name}, ${formatDuration(shortest)}`;
  return { key: 'interval', message: `interval ${times}; write a longer one, or leave that vantage out of \`from\`` };
};

const shortestOf = { lambda: 60_000, agent: 1_000 } as const;

const lambdaProblem = (
  { host, prober, needs, settings, timeoutMs, private: wanted }: Wish,
  { name }: Vantage,
  entry: VantageEntry,
  vpc: VpcSettings | undefined,
): { readonly key: string; readonly message: string } | undefined => {
  const agents = 'probe it `from` agents';
  if (needs.includes('icmp'))
    return { key: 'from', message: `Lambda (vantage ${name}) has no ICMP, which ${prober} needs; ${agents}` };
  if (needs.includes('files'))
    return {
      key: 'from',
      message: `Lambda (vantage ${name}) has no sockets in files, which ${prober} needs; ${agents}`,
    };
  const secretFile = secretFileOf(settings);
  if (secretFile !== undefined)
    return {
      key: 'from',
      message: `Lambda (vantage ${name}) has no such file as \`${secretFile}\` names; write a reference such as ${exampleParameter}, or ${agents}`,
    };
  const variable = variableIn(settings);
  if (variable !== undefined)
    return {
      key: 'from',
      message: `Lambda (vantage ${name}): ${variable.message}, and \`${variable.path.join('.')}\` refers to it; choose another name, or ${agents}`,
    };
  if (timeoutMs > longestAtLambdaMs) return { key: 'timeout', message: tooLong(timeoutMs, name, agents) };
  const ipv6 = `Lambda (vantage ${name}) reaches no IPv6 address without a dual-stack \`vpc: { ipv6: true }\``;
  if (isIpv6(host) && vpc?.ipv6 !== true) return { key: 'from', message: `${ipv6}; ${agents}` };
  if (wantsIpv6Only(settings) && vpc?.ipv6 !== true)
    return { key: 'from', message: `${ipv6}; allow ip_protocol_fallback, or ${agents}` };
  if (!isPrivate(host)) return undefined;
  const allowed = wanted === 'allow' || (wanted === undefined && entry.private === 'allow');
  if (allowed && vpc !== undefined) return undefined;
  const missing = allowed ? `\`vpc\` at the vantage` : '`private: allow` here and `vpc` at the vantage';
  return { key: 'target', message: `a private address at the Lambda vantage ${name} needs ${missing}; or ${agents}` };
};

const tooLong = (timeoutMs: number, name: string, agents: string): string => {
  const [limit, longest, whole, delivery] = [
    timeoutMs,
    longestAtLambdaMs,
    functionTime.wholeMs,
    functionTime.deliveryMs,
  ].map(formatDuration);
  return `the time limit ${limit} is above the longest at Lambda (vantage ${name}), ${longest}: a function has ${whole} for all its checks, and delivery up to ${delivery} of them; write a shorter timeout, or ${agents}`;
};

const wantsIpv6Only = (settings: unknown): boolean =>
  typeof settings === 'object' &&
  settings !== null &&
  'preferred_ip_protocol' in settings &&
  settings.preferred_ip_protocol === 'ip6' &&
  'ip_protocol_fallback' in settings &&
  settings.ip_protocol_fallback === false;
