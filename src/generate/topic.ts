/** Something that has a name in our vocabulary: what kind of thing, what it is, and rows of more. */
export type Topic = {
  readonly kind: 'reason' | 'phase' | 'metric' | 'prober' | 'module' | 'key';
  readonly name: string;
  readonly text: string;
  readonly rows: readonly (readonly [head: string, text: string])[];
};
