/** Reads `HOST:PORT` of a door; IPv6 in brackets, port 0 for any free one. `undefined` for anything else. */
export const parseListen = (text: string): { readonly host: string; readonly port: number } | undefined => {
  const [, six, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = six ?? name;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
};
