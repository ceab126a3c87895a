import type { Way } from './view.ts';

/** Both ways as a picture: who looks, an arrow in the colour of what is found, and what is looked at. */
export const Ways = ({ ways }: { readonly ways: readonly Way[] }) => (
  <section class="ways" aria-label="Both ways">
    {ways.map((way) => {
      const state = way.good === way.targets ? 'good' : way.worst === undefined ? 'waiting' : 'failing';
      const count = `${way.good} of ${way.targets} good`;
      return (
        <div class="way" key={way.side}>
          <span class="place">{way.from}</span>
          <span class={`arrow ${state}`}>
            <span class="over">{way.title}</span>
            <svg viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true">
              <line x1="0" y1="7" x2="200" y2="7" />
            </svg>
            <svg class="head" viewBox="0 0 12 14" aria-hidden="true">
              <path d="M0 0 L12 7 L0 14 z" />
            </svg>
            <span class="under">
              {count}
              {way.worst !== undefined && `; ${way.worst}`}
            </span>
          </span>
          <span class="place">{way.to}</span>
        </div>
      );
    })}
  </section>
);
