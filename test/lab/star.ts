import { needs } from '../servers/peers.ts';
import { noLab, removeLeftovers } from './lab.ts';
import { exec, must, type Said } from './programs.ts';

/** Places that all reach one in the middle, and not each other. Nothing of it reaches the machine's own network. */
export type Star = AsyncDisposable & {
  /** The words that run a program in a place. */
  readonly words: (place: string, words: readonly string[]) => readonly string[];
  /** Runs a program in a place to its end. */
  readonly run: (place: string, words: readonly string[]) => Promise<Said>;
};

/** The address of the middle. */
export const middle = '203.0.113.10';

let stars = 0;

/** Builds a star of namespaces with these places around `middle`; `undefined` after skipping the test with the reason. */
export const starFor = async (t: Parameters<typeof needs>[0], places: readonly string[]): Promise<Star | undefined> => {
  const reason = noLab();
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  const ip = await needs(t, 'ip');
  if (ip === undefined) return undefined;
  await removeLeftovers(ip.path);
  stars += 1;
  const name = (place: string) => `bw${process.pid}x9${stars}-${place}`;
  const all = ['middle', ...places].map(name);
  const batch = (lines: readonly string[]) => must(ip.path, ['-batch', '-'], lines.join('\n'));
  const words: Star['words'] = (place, command) => [ip.path, 'netns', 'exec', name(place), ...command];
  const star: Star = {
    words,
    run: (place, command) => exec(words(place, command)),
    [Symbol.asyncDispose]: () => batch(all.map((one) => `netns delete ${one}`)),
  };
  await batch(all.map((one) => `netns add ${one}`));
  try {
    await batch(
      places.map((place, n) => `link add to${n} netns ${name('middle')} type veth peer name out netns ${name(place)}`),
    );
    const inMiddle = places.flatMap((_, n) => [`addr add 10.40.${n}.1/24 dev to${n}`, `link set to${n} up`]);
    await must(
      ip.path,
      ['-n', name('middle'), '-batch', '-'],
      ['link set lo up', `addr add ${middle}/32 dev lo`, ...inMiddle].join('\n'),
    );
    for (const [n, place] of places.entries())
      await must(
        ip.path,
        ['-n', name(place), '-batch', '-'],
        [
          'link set lo up',
          `addr add 10.40.${n}.2/24 dev out`,
          'link set out up',
          `route add default via 10.40.${n}.1`,
        ].join('\n'),
      );
    return star;
  } catch (error) {
    await star[Symbol.asyncDispose]();
    throw error;
  }
};
