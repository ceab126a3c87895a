import { render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Details } from './details.tsx';
import type { CheckRow, DeliveryRow, Status } from './status.ts';
import {
  ageText,
  cellSentence,
  changes,
  foundText,
  type Section,
  sectionsOf,
  sentence,
  shapes,
  sparkline,
  stateOf,
  wordOf,
} from './view.ts';
import { Ways } from './ways.tsx';

// The page: asks for the status every two seconds and shows it.

const everyMs = 2_000;
const patienceMs = 5_000;

type Heard = {
  readonly status: Status | undefined;
  /** When it was heard, by the browser's clock. */
  readonly heardAt: number;
  readonly problem: string | undefined;
  readonly news: readonly string[];
};

const ask = async (before: Heard): Promise<Heard> => {
  try {
    const answer = await fetch('api/status', { signal: AbortSignal.timeout(patienceMs) });
    if (!answer.ok) return { ...before, problem: `the agent answered ${answer.status}` };
    const status: Status = await answer.json();
    return { status, heardAt: Date.now(), problem: undefined, news: changes(before.status, status) };
  } catch {
    return { ...before, problem: 'no answer' };
  }
};

/** The newest status; asked for again and again, also after failures. */
const useStatus = (): Heard & { readonly browserNow: number } => {
  const [heard, setHeard] = useState<Heard>({ status: undefined, heardAt: Date.now(), problem: undefined, news: [] });
  const [browserNow, setNow] = useState(Date.now());
  useEffect(() => {
    let newest = heard;
    let timer: number | undefined;
    const again = async () => {
      newest = await ask(newest);
      setHeard(newest);
      setNow(Date.now());
      timer = window.setTimeout(() => void again(), everyMs);
    };
    void again();
    return () => window.clearTimeout(timer);
  }, []);
  return { ...heard, browserNow };
};

/** What is chosen, kept in the address so that it can be sent to somebody. */
const useChosen = (): readonly [string, (id: string) => void] => {
  const read = () => decodeURIComponent(window.location.hash.slice(1));
  const [chosen, setChosen] = useState(read);
  useEffect(() => {
    const onHash = () => setChosen(read());
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);
  const choose = (id: string) => {
    window.history.replaceState(null, '', id === '' ? window.location.pathname : `#${encodeURIComponent(id)}`);
    setChosen(id);
  };
  return [chosen, choose];
};

const Page = () => {
  const { status, heardAt, problem, news, browserNow } = useStatus();
  const [chosen, choose] = useChosen();
  const [text, setText] = useState('');
  const [onlyFailing, setOnlyFailing] = useState(false);
  const opener = useRef<HTMLElement | null>(null);
  const now = status === undefined ? browserNow : status.now + (browserNow - heardAt);
  const sections = useMemo(
    () => sectionsOf(status?.checks ?? [], { text, onlyFailing }, now),
    [status, text, onlyFailing, now],
  );
  const close = () => {
    choose('');
    opener.current?.focus();
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
  const open = (id: string) => {
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    choose(id === chosen ? '' : id);
  };
  const check = status?.checks.find(({ id }) => id === chosen);
  return (
    <main>
      <header>
        <h1>Bothways</h1>
        <span class="dim">{status === undefined ? 'asking …' : `${status.title}, version ${status.version}`}</span>
        {status !== undefined && <ListState {...status.list} now={now} />}
        <span class="sentence">{status === undefined ? '' : sentence(status.checks, now)}</span>
      </header>
      <p class="hidden" aria-live="polite">
        {news.join('. ')}
      </p>
      {problem !== undefined && (
        <p class="banner" role="alert">
          {problem}; what is shown is from {ageText(browserNow - heardAt)}
        </p>
      )}
      {status !== undefined && <Ways checks={status.checks} standsOn={status.list.standsOn ?? []} now={now} />}
      <div class="tools">
        <input
          type="search"
          placeholder="Search name, place, reason …"
          aria-label="Search"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <label>
          <input
            type="checkbox"
            checked={onlyFailing}
            onChange={(event) => setOnlyFailing(event.currentTarget.checked)}
          />{' '}
          only what is not good
        </label>
      </div>
      {check !== undefined && <Details check={check} now={now} onClose={close} />}
      {sections.map((section) => (
        <Matrix key={section.side} section={section} now={now} chosen={chosen} onChoose={open} />
      ))}
      {status !== undefined && status.deliveries.length > 0 && <Deliveries rows={status.deliveries} now={now} />}
    </main>
  );
};

const ListState = ({ hash, loadedAt, problem, found = [], now }: Status['list'] & { readonly now: number }) => (
  <>
    <span class={problem === undefined ? 'dim' : 'bad'}>
      {problem === undefined
        ? `list ${hash}, read ${ageText(now - loadedAt)}`
        : `the newest list is not in use: ${problem}`}
    </span>
    {found.map((one) => (
      <span key={one.source} class={one.problem === undefined ? 'dim' : 'bad'}>
        {foundText(one)}
      </span>
    ))}
  </>
);

type MatrixProps = {
  readonly section: Section;
  readonly now: number;
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
};

const Matrix = ({ section: { title, vantages, rows, hidden }, now, chosen, onChoose }: MatrixProps) => (
  <section aria-label={title}>
    <h2>{title}</h2>
    <table class="matrix">
      <thead>
        <tr>
          <th scope="col">Target</th>
          {vantages.map((vantage) => (
            <th scope="col" key={vantage}>
              {vantage}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, name, instance, cells }) => (
          <tr key={key}>
            <th scope="row">
              {name}
              <span class="dim">{instance}</span>
            </th>
            {cells.map((check, column) => (
              <td key={vantages[column]} data-vantage={vantages[column]}>
                {check === undefined ? <span class="dim">–</span> : <Cell {...{ check, now, chosen, onChoose }} />}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
    {rows.length === 0 && <p class="dim">Nothing here is like that.</p>}
    {hidden > 0 && <p class="dim">and {hidden} more; search for what you look for</p>}
  </section>
);

type CellProps = { readonly check: CheckRow } & Pick<MatrixProps, 'now' | 'chosen' | 'onChoose'>;

const Cell = ({ check, now, chosen, onChoose }: CellProps) => {
  const state = stateOf(check, now);
  const points = sparkline(check.recent, 72, 18);
  return (
    <button
      type="button"
      class="cell"
      aria-pressed={check.id === chosen}
      aria-label={cellSentence(check, now)}
      onClick={() => onChoose(check.id)}
    >
      <span class={`shape ${state}`} aria-hidden="true">
        {shapes[state]}
      </span>
      <span class={`word ${state === 'good' ? '' : state}`}>{wordOf(check, now)}</span>
      {points !== '' && (
        <svg class="spark" width="72" height="18" aria-hidden="true">
          <polyline points={points} />
        </svg>
      )}
    </button>
  );
};

const Deliveries = ({ rows, now }: { readonly rows: readonly DeliveryRow[]; readonly now: number }) => (
  <section aria-label="Delivery">
    <h2>Delivery</h2>
    <table class="deliveries">
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col" class="number">
            Accepted
          </th>
          <th scope="col" class="number">
            Waiting
          </th>
          <th scope="col" class="number">
            Lost
          </th>
          <th scope="col">Oldest that waits</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ vantage, endpoint, accepted, waiting, lost, oldestWaitingAt, problem }) => (
          <tr key={`${vantage} ${endpoint}`}>
            <th scope="row">{vantage}</th>
            <td>
              {endpoint}
              {problem !== undefined && <span class="bad"> {problem}</span>}
            </td>
            <td class="number">{accepted}</td>
            <td class="number">{waiting}</td>
            <td class={lost > 0 ? 'number bad' : 'number'}>{lost}</td>
            <td>{oldestWaitingAt === undefined ? '–' : ageText(now - oldestWaitingAt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

render(<Page />, document.body);
