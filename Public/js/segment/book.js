import { Prompts } from './prompts.js';

/**
 * What the person points at, for each label of a task by itself, and which label the next click is of. Values: every change
 * makes a new one. Where there is nothing to tell apart, the one label is null.
 */
export class PromptBook {
  /** @param {[number|null, Prompts][]} pages By label. */
  constructor(label = null, pages = []) {
    this.label = label;
    this.pages = pages;
  }

  /** As it was kept by `json`, or the prompts of one label alone. */
  static from(kept, label = null) {
    const pages = (kept?.pages ?? []).map(([of, prompts]) => [of, Prompts.from(prompts)]);
    return new PromptBook(kept?.label ?? label, pages);
  }

  get json() {
    return { label: this.label, pages: this.pages.map(([of, { points, box, mask }]) => [of, { points, box, mask }]) };
  }

  /** Those of the label that is chosen. */
  get current() {
    return this.of(this.label);
  }

  of(label) {
    return this.pages.find(([other]) => other === label)?.[1] ?? new Prompts();
  }

  /** With other prompts for the label that is chosen. */
  with(prompts) {
    const others = this.pages.filter(([other]) => other !== this.label);
    return new PromptBook(this.label, prompts.isEmpty ? others : [...others, [this.label, prompts]]);
  }

  choosing(label) {
    return new PromptBook(label, this.pages);
  }

  /** The same for a task with other labels: what they have, or else the prompts in hand, for the first of them. */
  fitting(labels) {
    const values = labels.areSeveral ? labels.list.map(({ value }) => value) : [null];
    const pages = this.pages.filter(([label]) => values.includes(label));
    const label = values.includes(this.label) ? this.label : values[0];
    if (pages.length > 0 || this.current.isEmpty) return new PromptBook(label, pages);
    return new PromptBook(label, [[label, this.current]]);
  }
}
