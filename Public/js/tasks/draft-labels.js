import { defaultColour } from '../palette.js';
import { TaskLabels } from '../labels.js';

const MOST_VALUES = 32;
const WHITE = 255;

/**
 * Whether the values of masks look like the numbers of labels: there are some, not many, and none is the white of a mask
 * whose edge was smoothed. A person may know better.
 */
export const looksLikeLabels = (values) => values.length > 1 && values.length <= MOST_VALUES && values.every((value) => value < WHITE);

/**
 * The labels of a task that is being put together: one object, or the numbers that its masks have.
 *
 * `kind` is `auto` until the person chooses `object` or `map`; `entries` are `{value, name, colour, byHand}`; `found` is how
 * many masks show each number.
 */
export class DraftLabels {
  constructor(kept = {}) {
    this.kind = kept.kind ?? 'auto';
    this.entries = kept.entries ?? [{ value: 1, name: '', colour: defaultColour(0), byHand: false }];
    /** @type {Map<number, number>} */
    this.found = new Map();
  }

  get json() {
    const { kind, entries } = this;
    return { kind, entries };
  }

  get values() { return [...this.found.keys()].sort((a, b) => a - b); }
  get areFound() { return looksLikeLabels(this.values); }
  get isMap() { return this.kind === 'map' || (this.kind === 'auto' && this.areFound); }

  /** What counts now: all entries, or the first as the one object. */
  get labels() {
    if (this.isMap) return new TaskLabels(this.entries, true);
    return new TaskLabels([{ ...this.entries[0], value: 1 }], false);
  }

  /** Looks at what values the masks have: each list is of one mask. Every number gets an entry. */
  take(lists) {
    this.found = new Map();
    for (const value of lists.flat()) this.found.set(value, (this.found.get(value) ?? 0) + 1);
    if (!this.isMap) return;
    const isWanted = ({ value, name, byHand }) => this.found.has(value) || byHand || name !== '';
    this.entries = this.entries.filter(isWanted);
    for (const value of this.values) if (!this.entries.some((entry) => entry.value === value)) this.add(value, false);
    if (this.entries.length === 0) this.add(1, false);
    this.entries.sort((a, b) => a.value - b.value);
  }

  /** A further label, with the next free number where none is given; from now on these are label maps. */
  add(value = Math.max(0, ...this.entries.map((entry) => entry.value)) + 1, byHand = true) {
    const taken = this.entries.map(({ colour }) => colour);
    const free = [...this.entries, null].map((_, index) => defaultColour(index)).find((colour) => !taken.includes(colour));
    this.entries.push({ value, name: '', colour: free ?? defaultColour(this.entries.length), byHand });
    if (byHand) this.kind = 'map';
  }

  remove(value) {
    this.entries = this.entries.filter((entry) => entry.value !== value);
    if (this.entries.length < 2 && this.found.size < 2) this.kind = 'auto';
  }

  /** As the request has them; undefined when nothing is said. */
  get request() {
    const name = this.entries[0].name.trim();
    if (!this.isMap) return name === '' ? undefined : [name];
    return Object.fromEntries(this.entries.map((entry) => [entry.value, entry.name.trim() || `label ${entry.value}`]));
  }
}
