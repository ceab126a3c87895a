import { exampleReference } from './secrets.ts';

/**
 * Sentences for the error codes of the package `yaml` (2.9). Its own messages are not used, since some repeat the
 * text they stumbled over, which may be a secret.
 */
const sentences: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias (*name) cannot have an anchor or a tag of its own',
  BAD_ALIAS: 'an alias or anchor name is missing or contains a character that it must not',
  BAD_COLLECTION_TYPE: 'the tag does not fit the value',
  BAD_DIRECTIVE: 'a line that begins with % is a directive, and this one is not known',
  BAD_DQ_ESCAPE: 'unknown escape in a text in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation, or a bracket, brace or quote is not closed',
  BAD_PROP_ORDER: 'an anchor or tag stands in the wrong place; write it right before the value',
  BAD_SCALAR_START: 'a value cannot begin with this character; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping begins where only a plain value can stand; put a text that contains ": " in quotes',
  BLOCK_IN_FLOW: 'an indented block cannot stand inside brackets or braces',
  DUPLICATE_KEY: 'the key stands here twice',
  KEY_OVER_1024_CHARS: 'a key is longer than 1,024 characters; is a quote not closed?',
  MISSING_CHAR: 'a comma, colon, space or closing quote is missing',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines; is a colon or quote missing?',
  MULTIPLE_ANCHORS: 'a value has more than one anchor',
  MULTIPLE_DOCS: 'several documents in one file; a second --- is not allowed, put them into files of their own',
  MULTIPLE_TAGS: 'a value has more than one tag',
  NON_STRING_KEY: 'a key must be a plain text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab is used for indentation; write spaces',
  TAG_RESOLVE_FAILED: 'an unknown tag; put a text that begins with ! in quotes',
  UNEXPECTED_TOKEN: 'YAML does not expect this here; is a quote, comma or line break missing?',
};

/** What a YAML error code means, in a sentence that repeats nothing of the file; `line` is only looked at for `${`. */
export const yamlErrorText = (code: string, line: string): string => {
  if (code !== 'MULTIPLE_DOCS' && unquotedReference.test(line)) return quoteIt;
  return sentences[code] ?? 'not YAML';
};

const unquotedReference = /[^"'\w]\$\{\w+:/;
const quoteIt = `put references in quotes: ${exampleReference} (without quotes the braces are YAML)`;
