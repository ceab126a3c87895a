/** Why a list with secrets in the open does not leave this machine, or `undefined`. Takes them by reference; none is shown. */
export const openSecrets = (literals: ReadonlyMap<string, string>): string | undefined => {
  const [first] = literals.keys();
  return first === undefined
    ? undefined
    : `${literals.size} secrets stand in the open, the first at ${first.replace(/^literal:|#[0-9a-f]+$/g, '')}; write references`;
};
