/** One place that apt takes packages from; texts as in sources.list(5). */
export type AptSource = {
  readonly uris: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A keyring's path, or a key itself over several lines. */
  readonly signedBy?: string;
  readonly trusted?: string;
};

/**
 * The binary package sources of a sources file: the one-line style for names ending `.list`, stanzas for `.sources`.
 * What is switched off or not understood is left out.
 * @see https://manpages.debian.org/stable/apt/sources.list.5.en.html
 */
export const parseAptSources = (name: string, text: string): readonly AptSource[] =>
  name.endsWith('.sources') ? text.split(/\n\s*\n/).flatMap(stanza) : text.split('\n').flatMap(oneLine);

const stanza = (text: string): AptSource[] => {
  const fields = fieldsOf(text);
  const types = words(fields.get('types'));
  if (!types.includes('deb') || fields.get('enabled') === 'no') return [];
  const source = {
    uris: fields.get('uris') ?? '',
    suites: words(fields.get('suites')),
    components: words(fields.get('components')),
  };
  return [
    { ...source, ...optional('signedBy', fields.get('signed-by')), ...optional('trusted', fields.get('trusted')) },
  ];
};

const fieldsOf = (text: string): Map<string, string> => {
  const fields = new Map<string, string>();
  let last = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const field = /^([A-Za-z-]+):\s*(.*?)\s*$/.exec(line);
    if (field !== null) {
      last = (field[1] ?? '').toLowerCase();
      fields.set(last, field[2] ?? '');
    } else if (/^\s/.test(line) && last !== '') {
      fields.set(last, `${fields.get(last)}\n${line.trimEnd()}`);
    }
  }
  return fields;
};

const oneLine = (line: string): AptSource[] => {
  const parts = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
  if (parts === null) return [];
  const options = new Map(words(parts[1]).map((option): [string, string] => pair(option)));
  return [
    {
      uris: parts[2] ?? '',
      suites: [parts[3] ?? ''],
      components: words(parts[4]),
      ...optional('signedBy', options.get('signed-by')),
      ...optional('trusted', options.get('trusted')),
    },
  ];
};

const pair = (option: string): [string, string] => {
  const at = option.indexOf('=');
  return at === -1 ? [option, ''] : [option.slice(0, at).toLowerCase(), option.slice(at + 1)];
};

const words = (text = '') => text.split(/\s+/).filter((word) => word !== '');

const optional = <K extends string>(key: K, value: string | undefined) =>
  // safe: the one key is the one that the type names
  (value === undefined || value === '' ? {} : { [key]: value }) as { readonly [P in K]?: string };

/**
 * The machine's own mirror of Debian, turned to another suite: the text of a sources file, or `undefined` if no source
 * holds the release that is installed (`codename`, as os-release(5) has it; empty for sid) or a name for it.
 */
export const otherSuite = (sources: readonly AptSource[], codename: string, suite: string): string | undefined => {
  const names = [codename, 'stable', 'testing', 'unstable', 'sid'].filter((name) => name !== '');
  const mirror = sources.find(
    ({ suites, components }) => components.includes('main') && suites.some((name) => names.includes(name)),
  );
  if (mirror === undefined) return undefined;
  const lines = ['Types: deb', `URIs: ${mirror.uris}`, `Suites: ${suite}`, 'Components: main'];
  if (mirror.signedBy !== undefined) lines.push(`Signed-By: ${mirror.signedBy}`);
  if (mirror.trusted !== undefined) lines.push(`Trusted: ${mirror.trusted}`);
  return `${lines.join('\n')}\n`;
};

/** What `apt-get --simulate install` says it would unpack: `name=version` each. */
export const plannedPackages = (simulation: string): readonly string[] =>
  [...simulation.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /gm)].map(([, name, version]) => `${name}=${version}`);
