/** A value with undo and redo. Values are not changed in place: each step is a new one. */
export class History {
  constructor(value, limit = 200) {
    this.states = [value];
    this.at = 0;
    this.limit = limit;
  }

  get value() { return this.states[this.at]; }
  get canUndo() { return this.at > 0; }
  get canRedo() { return this.at + 1 < this.states.length; }

  /** Goes on with `value`; what had been undone is gone. */
  push(value) {
    this.states = [...this.states.slice(0, this.at + 1), value].slice(-this.limit);
    this.at = this.states.length - 1;
  }

  /** Puts `value` in place of the present one, which is no step. */
  replace(value) {
    this.states[this.at] = value;
  }

  undo() {
    if (this.canUndo) this.at -= 1;
    return this.value;
  }

  redo() {
    if (this.canRedo) this.at += 1;
    return this.value;
  }
}
