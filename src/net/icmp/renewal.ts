import type { ProbeOutcome } from './engine.ts';

/**
 * What is known of a target on the sockets of one kind: which socket it is probed from, and how that goes. Routers and NAT know a flow by its
 * ICMP identifier or UDP port, which is the socket's; one that leads nowhere any more is left by probing from another socket.
 */
export type Track<Home = unknown> = {
  home: Home;
  /** When its latest packet was sent, in monotonic milliseconds. */
  usedAt: number;
  /** When the latest packet that the target answered was sent. */
  answeredAt: number;
  /** Packets lost since then, and when the first of them was sent. */
  losses: number;
  lostSince: number;
  /** For how long packets must have been lost, in milliseconds; doubles with each change of socket that did not help. */
  patienceMs: number;
  /** Whether the next packet is to go from another socket. */
  wantsOther: boolean;
};

/** When a flow is left for another one: times in milliseconds. */
export const renewalRules = {
  /** Losses in a row, over at least the first of these times. */
  losses: 3,
  patienceMs: { first: 3_000, most: 30_000 },
  /** Age of a socket from which a target is moved once it pauses for so long, and moved in any case. */
  age: { moved: 180_000, pauseMs: 1_500, most: 240_000 },
  /** Youngest age of a socket that is followed by another one, and as many as there are at once. */
  youngestMs: 5_000,
  most: 8,
} as const;

/** The track of a target that has not been probed yet. */
export const newTrack = <Home>(home: Home): Track<Home> => ({
  home,
  usedAt: Number.NEGATIVE_INFINITY,
  answeredAt: Number.NEGATIVE_INFINITY,
  losses: 0,
  lostSince: 0,
  patienceMs: renewalRules.patienceMs.first,
  wantsOther: false,
});

/**
 * Notes what became of a packet that was sent at `sentAt`. Only answers of the target itself count: routers before a NAT answer also
 * when nothing gets through it. A packet that was sent before one that was answered says nothing: silent routers on a path are no loss.
 */
export const noteOutcome = (track: Track, kind: ProbeOutcome['kind'], sentAt: number, now: number): void => {
  if (kind === 'reply') {
    track.answeredAt = Math.max(track.answeredAt, sentAt);
    track.losses = 0;
    track.patienceMs = renewalRules.patienceMs.first;
    track.wantsOther = false;
    return;
  }
  if (kind !== 'timeout' || sentAt <= track.answeredAt) return;
  if (track.losses === 0) track.lostSince = sentAt;
  track.losses += 1;
  if (track.losses < renewalRules.losses || now - track.lostSince < track.patienceMs) return;
  track.losses = 0;
  track.patienceMs = Math.min(renewalRules.patienceMs.most, track.patienceMs * 2);
  track.wantsOther = true;
};

/** Whether the next packet to a target is to go from another socket than its own, which was opened at `openedAt`. */
export const isDue = ({ wantsOther, usedAt }: Track, openedAt: number, now: number): boolean => {
  if (wantsOther) return true;
  const age = now - openedAt;
  // Packets that belong together keep what routers balance by.
  return age > renewalRules.age.most || (age > renewalRules.age.moved && now - usedAt > renewalRules.age.pauseMs);
};
