import { h } from './dom.js';

/** A small square of a label's colour, beside its name. */
export function swatch(colour) {
  const mark = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  mark.style.background = colour;
  return mark;
}
