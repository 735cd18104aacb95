import { post } from '../api.js';
import { fill, freshId, h } from '../dom.js';
import { History } from '../history.js';
import { LabelMap } from '../image/label-map.js';
import { layersOfMap } from '../image/layers.js';
import { Mask } from '../image/mask.js';
import { labelName } from '../labels.js';
import { plural } from '../format.js';
import { announce, complain, messagePlaces } from '../messages.js';
import { putAway, storeImage } from '../stored-images.js';
import { swatch } from '../swatch.js';
import { drawBox } from '../viewer/marks.js';
import { Stage } from '../viewer/stage.js';
import { panTool, promptTool, windowTool } from '../viewer/tools.js';
import { brushTool, polygonTool } from './tools.js';

const KEYS = `Arrow keys move a crosshair, with Shift by ten pixels. Enter paints or sets a corner, Backspace takes away, C closes a
  polygon. Control Z undoes, Control Y redoes. Square brackets change the size of the brush, L goes to the next label. Escape leaves a polygon.`;
const HISTORY_BYTES = 64e6;

/**
 * Opens a dialog in which labels are drawn over `picture`.
 *
 * @param {Picture} picture
 * @param {Blob} file The image's file: what a suggestion of the base model is asked for.
 * @param {{value: number, name: string, colour: string}[]} labels At least one.
 * @param {LabelMap|null} start
 * @param {Features} features
 * @returns {Promise<LabelMap|null>} What was drawn, or null when it was cancelled.
 */
export async function paintMask(picture, file, name, labels, start, features) {
  let painter;
  const drawn = await new Promise((resolve) => (painter = new Painter(picture, file, name, labels, start, resolve)));
  // Suggestions brought the image to the server; nobody waits for it to go.
  painter.stored?.then(({ id }) => putAway([id], features)).catch(complain);
  return drawn;
}

class Painter {
  constructor(picture, file, name, labels, start, resolve) {
    this.file = file;
    this.name = name;
    this.labels = labels;
    this.label = labels[0];
    this.mask = start?.copy() ?? new LabelMap(picture.width, picture.height);
    this.history = new History(this.mask.copy(), Math.max(10, Math.floor(HISTORY_BYTES / (picture.width * picture.height))));
    this.radius = Math.max(1, Math.round(Math.max(picture.width, picture.height) / 40));
    this.place = null;
    this.build(resolve);
    this.stage.setPicture(picture);
    this.changed();
    this.refresh();
    this.stage.element.focus();
  }

  build(resolve) {
    const help = freshId('help');
    this.stage = new Stage(`Mask of ${this.name}`, help);
    this.polygon = polygonTool(this);
    const suggesting = promptTool(this.stage, { box: (box) => this.suggest({ boxes: [box] }), point: (point, isForeground) =>
      this.suggest({ points: [{ ...point, label: isForeground ? 1 : 0 }] }) });
    const tools = [
      ['Brush', brushTool(this, false), 'Drag to paint; right button or Alt erases'], ['Eraser', brushTool(this, true), 'Drag to erase'],
      ['Polygon', this.polygon, 'Click corners; click the first one again to close. With Alt at the first corner it is cut out'],
      ['Suggest', suggesting, 'Click on the object or drag a box: the base model proposes, you correct'],
      ['Grey window', windowTool(this.stage), 'Drag: right is wider, up is brighter'], ['Pan', panTool, 'Drag the image'],
    ];
    this.suggesting = suggesting;
    this.buttons = tools.map(([caption, tool, title]) => h('button', { title, dataset: { tool: tool.name }, onclick: () => this.choose(tool) }, caption));
    this.tools = tools.map(([, tool]) => tool);
    this.labelButtons = this.labels.map((label) => h('button', { title: 'Draw this label (L: the next one)', dataset: { label: String(label.value) },
      onclick: () => this.chooseLabel(label) }, swatch(label.colour), labelName(label)));
    this.size = h('input', { type: 'range', min: '1', max: '80', value: String(this.radius), oninput: () => this.resize(Number(this.size.value)) });
    this.undoButton = h('button', { onclick: () => this.undo() }, 'Undo');
    this.redoButton = h('button', { onclick: () => this.redo() }, 'Redo');
    this.area = h('span', { class: 'quiet' });
    this.useButton = h('button', { class: 'primary', onclick: () => this.dialog.close('use') }, 'Use this mask');
    this.stage.drawMarks = (context) => this.drawMarks(context);
    this.stage.onKey = (event) => this.key(event);
    this.stage.onHover = (point) => {
      this.place = point;
    };
    this.dialog = h('dialog', { class: 'painter', 'aria-label': `Draw the mask of ${this.name}`, onclose: () => {
      this.dialog.remove();
      resolve(this.dialog.returnValue === 'use' ? this.mask : null);
    }, oncancel: (event) => {
      // Escape first leaves a polygon that was begun, and must not throw away a mask by a slip.
      event.preventDefault();
      this.polygon.cancel();
    }, onkeydown: (event) => {
      // A browser lets a second Escape through, whatever is said to the first `cancel`.
      if (event.key !== 'Escape') return;
      event.preventDefault();
      this.polygon.cancel();
    } },
    h('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Drawing tools' },
      h('div', { class: 'group' }, this.buttons),
      h('label', { class: 'row tight' }, 'Size', this.size),
      h('div', { class: 'group' }, this.undoButton, this.redoButton, h('button', { onclick: () => this.erase() }, 'Clear')),
      h('div', { class: 'group' }, h('button', { onclick: () => this.stage.fit() }, 'Fit')),
      this.labels.length > 1 ? h('div', { class: 'group', role: 'group', 'aria-label': 'Label' }, this.labelButtons) : null,
      h('span', { class: 'grow' }), this.area,
      h('div', { class: 'group end' }, h('button', { onclick: () => this.dialog.close('') }, 'Cancel'), this.useButton)),
    h('div', { class: 'viewport' }, this.stage.element),
    h('p', { class: 'unseen', id: help }, KEYS), messagePlaces());
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.choose(this.tools[0]);
    this.chooseLabel(this.label);
  }

  /** What is drawn from now on. */
  chooseLabel(label) {
    this.label = label;
    for (const button of this.labelButtons) button.setAttribute('aria-pressed', String(button.dataset.label === String(label.value)));
    this.refreshArea();
  }

  get value() { return this.label.value; }

  choose(tool) {
    for (const other of this.tools) if (other !== tool) other.cancel?.();
    this.stage.tool = tool;
    this.stage.canvas.style.cursor = tool.cursor;
    for (const button of this.buttons) button.setAttribute('aria-pressed', String(button.dataset.tool === tool.name));
  }

  resize(radius) {
    this.radius = Math.min(80, Math.max(1, radius));
    this.size.value = String(this.radius);
    this.stage.redraw();
  }

  // A stroke: begun, painted into `mask`, committed as one step of undo.

  begin() {
    this.mask = this.mask.copy();
  }

  changed() {
    this.overlay = this.mask.toCanvas(this.labels, this.overlay);
    this.stage.layers = [{ canvas: this.overlay, opacity: 0.4 }];
    this.stage.redraw();
  }

  commit() {
    this.history.push(this.mask.copy());
    this.refresh();
    announce(this.area.textContent);
  }

  undo() {
    this.mask = this.history.undo().copy();
    this.refresh();
  }

  redo() {
    this.mask = this.history.redo().copy();
    this.refresh();
  }

  erase() {
    this.mask = new LabelMap(this.mask.width, this.mask.height);
    this.commit();
  }

  refresh() {
    if (!this.dialog) return;
    this.changed();
    for (const { mask, colour } of layersOfMap(this.mask, this.labels)) this.stage.layers.push({ contour: mask.contour(), colour });
    this.undoButton.disabled = !this.history.canUndo;
    this.redoButton.disabled = !this.history.canRedo;
    this.useButton.disabled = this.mask.isEmpty;
    this.refreshArea();
  }

  refreshArea() {
    fill(this.area, plural(this.mask.area(this.value), 'pixel'), this.labels.length > 1 ? ` of ${labelName(this.label)}` : '');
  }

  /**
   * Asks the base model, and takes its mask as the next step; undo brings back what was. A box starts the label anew, a point
   * adds to it, and neither takes what other labels have.
   */
  async suggest(prompts) {
    // The answer is of the label that was pointed at, whichever is drawn by then.
    const { value } = this;
    try {
      this.stored ??= storeImage(this.file, this.name);
      const { id } = await this.stored.catch((error) => {
        this.stored = null;  // the next click tries again
        throw error;
      });
      const answer = await post('/v1/segment', { image_id: id, prompts });
      const proposed = await Mask.fromBase64(answer.masks[0].png);
      this.begin();
      if (prompts.boxes) this.mask.clear(value);
      this.mask.take(proposed, value, true);
      this.commit();
    } catch (error) {
      complain(error);
    }
  }

  key(event) {
    const { stage } = this;
    const place = stage.cursor;
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (isCommand && key === 'z') event.shiftKey ? this.redo() : this.undo();
    else if (isCommand && key === 'y') this.redo();
    else if (isCommand) return false;
    else if ((key === 'enter' || key === ' ') && place) stage.tool.stamp?.(place, event.shiftKey);
    else if (key === 'backspace' && place) stage.tool.stamp?.(place, true);
    else if (key === 'c') this.polygon.close();
    else if (key === 'escape') this.polygon.cancel();
    else if (key === 'l') this.chooseLabel(this.labels[(this.labels.indexOf(this.label) + 1) % this.labels.length]);
    else if (key === '[') this.resize(this.radius - 1);
    else if (key === ']') this.resize(this.radius + 1);
    else return false;
    return true;
  }

  drawMarks(context) {
    const { stage, polygon } = this;
    if (this.suggesting.rubber) drawBox(context, stage, this.suggesting.rubber, true);
    const center = stage.cursor ?? this.place;
    if (center && ['brush', 'eraser'].includes(stage.tool.name)) {
      const at = stage.toScreen(center);
      context.beginPath();
      context.arc(at.x, at.y, Math.max(2, this.radius * stage.scale), 0, 2 * Math.PI);
      context.lineWidth = 1.5;
      context.strokeStyle = '#ffe45c';
      context.stroke();
    }
    if (polygon.points.length === 0) return;
    context.beginPath();
    for (const point of [...polygon.points, ...(polygon.end ? [polygon.end] : [])]) {
      const at = stage.toScreen(point);
      context.lineTo(at.x, at.y);
    }
    context.lineWidth = 1.5;
    context.strokeStyle = '#ffe45c';
    context.stroke();
    for (const point of polygon.points) {
      const at = stage.toScreen(point);
      context.strokeRect(at.x - 3, at.y - 3, 6, 6);
    }
  }
}
