/**
 * What the person points at. Values: every change makes a new one, so that undo is a list of them.
 *
 * `points` are `{x, y, label}` (1 on the object, 0 beside it), `box` is `{x0, y0, x1, y1}` with inclusive corners or null,
 * `mask` is the base64 PNG of a mask that is refined, or null.
 */
export class Prompts {
  constructor(points = [], box = null, mask = null) {
    this.points = points;
    this.box = box;
    this.mask = mask;
  }

  static from(kept) {
    return new Prompts(kept?.points ?? [], kept?.box ?? null, kept?.mask ?? null);
  }

  get isEmpty() {
    return this.points.length === 0 && this.box === null;
  }

  withPoint({ x, y }, isForeground) {
    return new Prompts([...this.points, { x, y, label: isForeground ? 1 : 0 }], this.box);
  }

  withoutPoint(index) {
    return new Prompts(this.points.filter((_, other) => other !== index), this.box);
  }

  withBox(box) {
    return new Prompts(this.points, box);
  }

  /** The same, as a correction of `mask`. */
  refining(mask) {
    return new Prompts(this.points, this.box, mask);
  }

  /** As the server takes them. */
  get json() {
    const result = {};
    if (this.points.length > 0) result.points = this.points;
    if (this.box !== null) result.boxes = [this.box];
    if (this.mask !== null) result.mask = this.mask;
    return result;
  }

  get description() {
    if (this.isEmpty) return 'no prompt';
    const parts = [];
    const foreground = this.points.filter(({ label }) => label === 1).length;
    const background = this.points.length - foreground;
    if (this.box) parts.push('a box');
    if (foreground) parts.push(`${foreground} on the object`);
    if (background) parts.push(`${background} beside it`);
    if (this.mask) parts.push('the mask before');
    return parts.join(', ');
  }
}
