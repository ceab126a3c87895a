import { code, page } from './markdown.ts';

type Described = { readonly name: string; readonly usage: string };

/** docs/commands.md: the overview and each command's usage text, as the program prints them. */
export const commandsPage = (overview: string, commands: readonly Described[]): string =>
  page(
    '# Commands',
    block(overview),
    ...commands.flatMap(({ name, usage }) => [`## ${code(`bothways ${name}`)}`, block(usage)]),
  );

const block = (text: string) => `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
