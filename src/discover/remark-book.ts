import { most } from '../config/from-cluster.ts';
import type { Counts, Remark } from './found.ts';

/** Remarks that are kept of one tenant, as examples. */
const mostExamples = 10;

/** Remarks on what was found: of each tenant some as examples, each once, and how many more there are. */
export type RemarkBook = {
  readonly add: (remark: Remark) => void;
  readonly addCounts: (more: Counts | undefined) => void;
  readonly all: () => readonly Remark[];
};

/** Opens an empty book. */
export const remarkBook = (): RemarkBook => {
  const pages = new Map<string, { readonly examples: Map<string, Remark>; more: number }>();
  const pageOf = (tenant: string) => {
    const page = pages.get(tenant) ?? { examples: new Map<string, Remark>(), more: 0 };
    pages.set(tenant, page);
    return page;
  };
  return {
    add: ({ origin, why, tenant = '' }) => {
      const page = pageOf(tenant);
      const key = `${origin}: ${why}`;
      if (page.examples.has(key)) return;
      if (page.examples.size >= mostExamples) page.more += 1;
      else page.examples.set(key, { origin, why: why.slice(0, most.letters), ...(tenant === '' ? {} : { tenant }) });
    },
    addCounts: (more) => {
      for (const [tenant, count] of more ?? []) pageOf(tenant).more += count;
    },
    all: () =>
      [...pages].flatMap(([tenant, { examples, more }]) => [
        ...examples.values(),
        ...(more === 0
          ? []
          : [
              {
                origin: tenant === '' ? 'discover' : `namespace ${tenant}`,
                why: `${more} more remarks`,
                ...(tenant === '' ? {} : { tenant }),
              },
            ]),
      ]),
  };
};
