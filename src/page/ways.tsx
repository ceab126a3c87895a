import type { StandsOn } from '../kernel/check.ts';
import { type Arrow, type Picture, picturesOf, type Support, waysOf } from './picture.ts';
import type { CheckRow } from './status.ts';
import { shapes } from './view.ts';

/** What the picture is made of. */
export type WaysProps = {
  readonly checks: readonly CheckRow[];
  readonly standsOn: readonly StandsOn[];
  readonly now: number;
};

/** Both ways as a picture: for each target that stands on something, or for all targets where the list does not say it. */
export const Ways = ({ checks, standsOn, now }: WaysProps) => {
  const { pictures, hidden } = picturesOf(checks, standsOn, now);
  return (
    <section class="ways" aria-label="Both ways">
      {pictures.map((picture) => (
        <Drawn key={picture.name} {...picture} />
      ))}
      {hidden > 0 && <p class="dim">and {hidden} more that stand on something; see the tables</p>}
      {pictures.length === 0 &&
        waysOf(checks, now).map(({ side, arrow, to }) => (
          <div class="way" key={side}>
            <span class="place">{arrow.from}</span>
            <Drawing {...arrow} />
            <span class="place">{to}</span>
          </div>
        ))}
    </section>
  );
};

const Drawn = ({ name, host, outside, inside, on, verdict }: Picture) => (
  <figure class="picture" aria-label={name}>
    <div class={outside === undefined ? 'half' : 'whole'}>
      {outside !== undefined && (
        <>
          <span class="place">{outside.from}</span>
          <Drawing {...outside} />
        </>
      )}
      <div class="middle">
        {outside !== undefined && (
          <>
            <span class="place">
              ingress · {name} <span class="dim">{host}</span>
            </span>
            <span class="joint" />
          </>
        )}
        <span class="place">
          app · {name} {inside !== undefined && <span class="dim">in {inside.from}</span>}
        </span>
      </div>
      {inside === undefined ? <span class="dim">not seen from here</span> : <Drawing {...inside} />}
      <ul class="place">
        {on.map((one) => (
          <Below key={one.name} {...one} />
        ))}
      </ul>
    </div>
    <figcaption>{verdict}</figcaption>
  </figure>
);

const Below = ({ name, state, word }: Support) => (
  <li>
    <span class={`shape ${state === 'unseen' ? 'waiting' : state}`} aria-hidden="true">
      {state === 'unseen' ? '–' : shapes[state]}
    </span>{' '}
    {name} <span class="dim">{word}</span>
  </li>
);

const Drawing = ({ title, state, text }: Arrow) => (
  <span class={`arrow ${state}`}>
    <span>{title}</span>
    <span class="drawn">
      <svg viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true">
        <line x1="0" y1="7" x2="200" y2="7" />
      </svg>
      <svg class="head" viewBox="0 0 12 14" aria-hidden="true">
        <path d="M0 0 L12 7 L0 14 z" />
      </svg>
    </span>
    <span>{text}</span>
  </span>
);
