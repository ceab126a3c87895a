import { functionTime } from '../config/function-time.ts';

/** An invocation's time in parts, in milliseconds; negative once they are used up. See {@link functionTime}. */
export type InvocationTime = {
  /** What is left for probing. */
  readonly probingMs: () => number;
  /** What is left for probing and delivery. */
  readonly deliveryMs: () => number;
  /** The part of the whole that is gone, 0 to 1. */
  readonly usedRatio: () => number;
};

/** Parts the time of an invocation that has just begun; `leftMs` tells how long it is until its deadline. */
export const invocationTime = (leftMs: () => number): InvocationTime => {
  const begunAt = performance.now();
  const whole = leftMs();
  const kept = Math.min(functionTime.deliveryMs, whole / functionTime.deliveryPart);
  const deliveryMs = () => leftMs() - functionTime.spareMs;
  return {
    probingMs: () => deliveryMs() - kept,
    deliveryMs,
    usedRatio: () => (performance.now() - begunAt) / whole,
  };
};
