import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { CheckRow } from './status.ts';
import { ageText, certificateState, doubtful, msText, phaseShares, stateOf } from './view.ts';

const colours = ['--p0', '--p1', '--p2', '--p3', '--p4', '--p5'];
const colourOf = (index: number) => `var(${colours[index % colours.length]})`;

/** All that is known of one check. */
export const Details = ({
  check,
  now,
  onClose,
}: {
  readonly check: CheckRow;
  readonly now: number;
  readonly onClose: () => void;
}) => {
  const { name, vantage, instance, failures, at, certificateExpiresAt, doubt, labels, recent } = check;
  const state = stateOf(check, now);
  const certificate = certificateExpiresAt === undefined ? undefined : certificateState(certificateExpiresAt, now);
  return (
    <section class="details" aria-label={`${name} from ${vantage}`}>
      <header>
        <h2>
          {name} from {vantage} <span class={state}>is {state}</span>
        </h2>
        <button type="button" class="close" onClick={onClose}>
          Close
        </button>
      </header>
      <div class="columns">
        <div>
          <h3>Latency</h3>
          <History recent={recent} />
          <h3>Where the time went</h3>
          <Phases check={check} />
        </div>
        <div>
          <h3>What is known</h3>
          <dl>
            {failures.map(({ phase, reason }) => (
              <Fact key={reason + phase} term="Reason" level="bad" text={`${reason} in phase ${phase}`} />
            ))}
            <Fact term="Instance" text={instance} />
            <Fact term="Newest run" text={at === undefined ? 'none yet' : ageText(now - at)} />
            {certificate !== undefined && <Fact term="Certificate" level={certificate.level} text={certificate.text} />}
            {doubt !== undefined && (
              <Fact
                term="Doubt"
                level={doubt > doubtful ? 'warn' : 'good'}
                text={doubt > doubtful ? `${msText(doubt)}: the times are not to be trusted` : msText(doubt)}
              />
            )}
            {Object.entries(labels).map(([label, value]) => (
              <Fact key={label} term={label} text={value} />
            ))}
          </dl>
        </div>
      </div>
    </section>
  );
};

const Fact = ({
  term,
  text,
  level = '',
}: {
  readonly term: string;
  readonly text: string;
  readonly level?: string;
}) => (
  <>
    <dt>{term}</dt>
    <dd class={level === 'good' ? '' : level}>{text}</dd>
  </>
);

const Phases = ({ check }: { readonly check: CheckRow }) => {
  const shares = phaseShares(check.phases);
  if (shares.length === 0) return <p class="dim">No phases were measured.</p>;
  return (
    <>
      <div class="bar" aria-hidden="true">
        {shares.map(({ phase, percent }, index) => (
          <span key={phase} style={{ width: `${percent}%`, background: colourOf(index) }} />
        ))}
      </div>
      <ul class="legend">
        {shares.map(({ phase, seconds }, index) => (
          <li key={phase}>
            <span class="swatch" style={{ background: colourOf(index) }} aria-hidden="true" />
            {phase} {msText(seconds)}
          </li>
        ))}
      </ul>
    </>
  );
};

const plotHeight = 180;

/** The runs so far: a line for how long they took, dots where they failed. */
const History = ({ recent }: Pick<CheckRow, 'recent'>) => {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data: uPlot.AlignedData = [
    recent.map(([at]) => at / 1_000),
    recent.map(([, seconds]) => seconds * 1_000),
    recent.map(([, seconds, good]) => (good ? null : seconds * 1_000)),
  ];
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const made = new uPlot(options(current.clientWidth), data, current);
    plot.current = made;
    const fit = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: plotHeight }));
    fit.observe(current);
    return () => {
      fit.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [recent]);
  const slowest = Math.max(0, ...recent.map(([, seconds]) => seconds));
  const failed = recent.filter(([, , good]) => !good).length;
  return (
    <div
      class="plot"
      ref={place}
      role="img"
      aria-label={`${recent.length} runs, ${failed} failed, the slowest took ${msText(slowest)}`}
    />
  );
};

const clockText = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleTimeString(undefined, { hour12: false });

const options = (width: number): uPlot.Options => {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name);
  const thin = { stroke: colour('--line'), width: 1 };
  const axis = { stroke: colour('--dim'), grid: thin, ticks: thin };
  return {
    width,
    height: plotHeight,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [
      { ...axis, space: 70, values: (_plot, times) => times.map(clockText) },
      { ...axis, size: 60, values: (_plot, values) => values.map((value) => `${value} ms`) },
    ],
    series: [
      {},
      { stroke: colour('--mark'), width: 1.5, points: { size: 4 } },
      { stroke: colour('--bad'), width: 0, points: { show: true, size: 9, fill: colour('--bad') } },
    ],
  };
};
