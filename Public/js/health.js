import { fill, h } from './dom.js';

/** The lamp in the bar: whether the server answers, and with which model. */
export function watchHealth() {
  const place = document.getElementById('health');
  const look = async () => {
    let state = 'away';
    let text = 'Server away';
    try {
      const response = await fetch('/readyz', { cache: 'no-store', credentials: 'omit' });
      const document = await response.json();
      state = response.ok ? 'ready' : 'waiting';
      text = response.ok ? `Ready${document.model ? `, ${document.model}` : ''}` : document.title ?? 'Not ready';
    } catch {
      // Nothing to read: it is away.
    }
    if (place.dataset.state === state && place.dataset.text === text) return;
    Object.assign(place.dataset, { state, text });
    fill(place, h('span', { class: 'lamp', 'aria-hidden': 'true' }), text);
  };
  look();
  setInterval(() => document.visibilityState === 'visible' && look(), 15_000);
}
