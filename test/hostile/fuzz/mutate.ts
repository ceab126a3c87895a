/** Numbers from 0 up to 1 (or up to `below`, whole), the same for the same seed. Mulberry32. */
export type Random = { readonly share: () => number; readonly below: (most: number) => number };

/** Starts a sequence; the seed is made of several numbers, so that each case has its own. */
export const randomOf = (...seeds: readonly number[]): Random => {
  let state = 0x9e3779b9;
  for (const seed of seeds) state = Math.imul(state ^ (seed + 0x7f4a7c15), 0x85ebca6b) ^ (state >>> 13);
  const share = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { share, below: (most) => Math.floor(share() * most) };
};

const interesting = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x20, 0x2d, 0x3a, 0x30];

/** Bytes with one to four changes: bits, bytes, pieces taken out, put in, doubled or moved. Never the same bytes. */
export const mutate = (bytes: Buffer, random: Random): Buffer => {
  let changed: Buffer = Buffer.from(bytes);
  const times = 1 + random.below(4);
  for (let time = 0; time < times || changed.equals(bytes); time += 1) changed = change(changed, random);
  return changed;
};

const change = (bytes: Buffer, random: Random): Buffer => {
  if (bytes.length === 0) return Buffer.from([random.below(256)]);
  const at = random.below(bytes.length);
  const copy = Buffer.from(bytes);
  const length = 1 + random.below(Math.min(16, bytes.length - at));
  switch (random.below(7)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 1:
      copy[at] = random.below(256);
      return copy;
    case 2:
      copy[at] = interesting[random.below(interesting.length)] ?? 0;
      return copy;
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(Array.from({ length }, () => random.below(256))),
        bytes.subarray(at),
      ]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    default: {
      const to = random.below(bytes.length);
      copy[at] = bytes[to] ?? 0;
      copy[to] = bytes[at] ?? 0;
      return copy;
    }
  }
};
