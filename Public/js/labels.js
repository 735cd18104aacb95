import { colourOf } from './palette.js';

/**
 * What a task's masks outline. One label numbered 1, or none, is marked by every pixel but 0, as in the black and white masks
 * that most tools save. All others are told apart by their numbers, and their masks are label maps (`isMap`).
 */
export class TaskLabels {
  /** @param {{value: number, name: string|null, colour: string}[]} list At least one. */
  constructor(list, isMap) {
    this.list = list;
    this.isMap = isMap;
  }

  /** Those of a task as the server shows it; of the base model where there is no task. */
  static of(task) {
    const names = task?.labels?.length > 0 ? task.labels : [null];
    const isMap = Array.isArray(task?.label_values);
    return new TaskLabels(names.map((name, index) => (
      { value: isMap ? task.label_values[index] : 1, name, colour: colourOf(task?.id, index) })), isMap);
  }

  /** Whether a prompt has to say which one it is of. */
  get areSeveral() { return this.list.length > 1; }

  find(value) {
    return this.list.find((label) => label.value === value) ?? null;
  }

  indexOf(value) {
    return this.list.findIndex((label) => label.value === value);
  }
}

/** As a person calls it, also when nobody has named it. */
export const labelName = ({ name, value }) => name || `label ${value}`;
