import { h, fill, freshId } from '../dom.js';
import { acceptDrops } from '../files.js';
import { decimal, plural } from '../format.js';
import { GreyWindow } from '../image/window.js';
import { Latest } from '../latest.js';
import { announce, clearComplaints, complain } from '../messages.js';
import { labelName } from '../labels.js';
import { putAway } from '../stored-images.js';
import { allTasks, missingTask } from '../tasks/all.js';
import { drawBox, drawPoint } from '../viewer/marks.js';
import { Stage } from '../viewer/stage.js';
import { panTool, promptTool, windowTool } from '../viewer/tools.js';
import { overlays } from './overlays.js';
import { Panels } from './panels.js';
import { answersOf } from './export.js';
import { Prompts } from './prompts.js';
import { Session } from './session.js';

/** `#/segment`: open an image, point, see the mask, measure it, take it along. */
export async function showSegment(root, { features, query, batch = null }) {
  const view = new SegmentView(root, features, batch);
  await view.start(query);
  return () => view.close();
}

const KEYS = `Arrow keys move a crosshair, with Shift by ten pixels. Enter sets a point on the object, Backspace one beside it,
  B begins and ends a box. Control Z undoes, Control Y redoes. A shows alternatives, L goes to the next label, Plus and Minus zoom, 0 shows the whole image.`;

class SegmentView {
  constructor(root, features, batch) {
    this.root = root;
    this.features = features;
    this.batch = batch;
    this.session = new Session(batch ? 'batch item' : 'segment', features);
    this.display = { opacity: 0.45, isFilled: true, hasContour: true, mode: 'mask', hasMarks: true, hidden: new Set() };
    this.latest = new Latest(
      (request) => this.session.ask(request), (result) => this.onAnswer(result), (error) => this.onFailure(error));
    this.boxCorner = null;
  }

  async start(query) {
    this.build();
    const tasks = await allTasks();
    this.panels.setTasks(tasks);
    if (this.batch) return this.startBatchItem(query);
    const wanted = query.get('task') ?? this.session.keptTask;
    if (tasks.some(({ id }) => id === wanted)) await this.session.chooseTask(wanted);
    else if (wanted) complain(missingTask(wanted));
    if (await this.session.resume().catch(() => false)) this.onOpened();
    else this.refresh();
  }

  async startBatchItem(query) {
    const item = await this.batch.item(Number(query.get('item')));
    if (!item) return void (location.hash = '#/batch');
    if (item.task) await this.session.chooseTask(item.task);
    this.session.item = item.number;
    await this.open(item.file, item.name, (await this.session.keptWork()) ?? { book: item.prompts });
  }

  build() {
    const help = freshId('help');
    const { session } = this;
    this.stage = new Stage('Image', help);
    const { stage } = this;
    this.prompting = promptTool(stage, {
      point: (point, isForeground) => this.change(session.prompts.withPoint(point, isForeground)),
      box: (box) => this.change(session.prompts.withBox(box)),
    });
    stage.tool = this.prompting;
    stage.drawMarks = (context) => this.drawMarks(context);
    stage.onKey = (event) => this.key(event);
    stage.onHover = (point) => this.showPlace(point);
    stage.onWindow = () => this.showState();
    this.panels = new Panels(this);
    this.toolbar = this.makeToolbar();
    this.empty = h('div', { class: 'empty' },
      h('p', {}, 'Drop an image here, or open one.'),
      h('p', { class: 'small' }, 'PNG (8 or 16 bit) or JPEG. It goes to this server and nowhere else.'));
    this.place = h('span', { class: 'place' });
    this.state = h('span', { class: 'state' });
    this.timing = h('span', { class: 'timing' });
    const viewport = h('div', { class: 'viewport' }, stage.element, this.empty);
    // A correction is of the batch's image and of no other.
    if (!this.batch) acceptDrops(viewport, (found) => this.open(found[0].file, found[0].file.name));
    fill(this.root, h('div', { class: 'workspace' },
      h('h1', { class: 'unseen' }, 'Segment'),
      h('section', { class: 'bench', 'aria-label': 'Viewer' },
        this.toolbar, viewport,
        h('div', { class: 'statusline' }, this.place, this.state, h('span', { class: 'grow' }), this.timing),
        h('p', { class: 'unseen', id: help }, KEYS)),
      h('aside', { class: 'side', 'aria-label': 'Image, result and export' }, this.panels.element)));
    this.onGlobalKey = (event) => this.globalKey(event);
    document.addEventListener('keydown', this.onGlobalKey);
    this.refresh();
  }

  makeToolbar() {
    const tools = [
      ['prompt', 'Point and box', 'P', 'Click: point on the object. Right click or Alt: beside it. Drag: box.', this.prompting],
      ['window', 'Grey window', 'W', 'Drag: right is wider, up is brighter.', windowTool(this.stage)],
      ['pan', 'Pan', 'H', 'Drag the image. The wheel zooms, the middle button pans with every tool.', panTool],
    ];
    this.toolButtons = tools.map(([name, caption, key, title, tool]) =>
      h('button', { title: `${title} (${key})`, 'aria-pressed': String(name === 'prompt'), 'aria-keyshortcuts': key,
        dataset: { tool: name }, onclick: () => this.choose(tool) }, caption));
    this.tools = Object.fromEntries(tools.map(([name, , , , tool]) => [name, tool]));
    const action = (caption, title, run, attributes = {}) => h('button', { title, onclick: run, ...attributes }, caption);
    this.undoButton = action('Undo', 'Undo (Ctrl+Z)', () => this.undo());
    this.redoButton = action('Redo', 'Redo (Ctrl+Y)', () => this.redo());
    this.clearButton = action('Clear', 'Take away all points and the box', () =>
      this.change(new Prompts()));
    return h('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Tools' },
      h('div', { class: 'group', role: 'group', 'aria-label': 'Pointer' }, this.toolButtons),
      h('div', { class: 'group', role: 'group', 'aria-label': 'Prompts' }, this.undoButton, this.redoButton, this.clearButton),
      h('div', { class: 'group', role: 'group', 'aria-label': 'Zoom' },
        action('Fit', 'Whole image (0)', () => this.stage.fit()),
        action('1:1', 'One image pixel on one screen pixel (1)', () => this.stage.actualSize()),
        action('−', 'Zoom out (-)', () => this.stage.zoom(0.8), { 'aria-label': 'Zoom out' }),
        action('+', 'Zoom in (+)', () => this.stage.zoom(1.25), { 'aria-label': 'Zoom in' })),
      action('Window auto', 'The window that the model sees', () => this.resetWindow()));
  }

  // What the person does

  async open(file, name, work = null) {
    clearComplaints();
    this.panels.showUpload(0);
    const { imageId: before } = this.session;
    try {
      if (!(await this.session.open(file, name, (share) => this.panels.showUpload(share), work))) return;
      this.onOpened();
      this.stage.element.focus({ preventScroll: true });
      // The image that this one took the place of is put away, as if it had been closed.
      if (before !== this.session.imageId) await putAway([before], this.features);
    } catch (error) {
      complain(error);
    } finally {
      this.panels.showUpload(null);
    }
  }

  /** Puts the image away. */
  async closeImage() {
    this.latest.drop();
    const hadFocus = document.activeElement;
    const { imageId } = this.session;
    try {
      await this.session.close();
    } finally {
      // Unless another has been opened meanwhile.
      if (this.session.file === null) this.showNothing(hadFocus);
    }
    await putAway([imageId], this.features);
  }

  showNothing(hadFocus) {
    this.isPending = false;
    this.session.turn('masks');
    Object.assign(this.stage, { picture: null, layers: [] });
    this.timing.textContent = '';
    this.state.textContent = '';
    this.refresh();
    if (!hadFocus?.isConnected || hadFocus.disabled || hadFocus.hidden) this.stage.element.focus();
  }

  change(prompts) {
    const { session } = this;
    if (session.file === null) return;
    const isRefined = session.wants.refine && session.previousMask !== null && session.isShown && !prompts.isEmpty;
    session.change(isRefined ? prompts.refining(session.previousMask) : prompts);
    this.ask();
  }

  undo() {
    this.session.history.undo();
    this.ask();
  }

  redo() {
    this.session.history.redo();
    this.ask();
  }

  choose(tool) {
    this.prompting.cancel();
    this.stage.tool = tool;
    this.stage.canvas.style.cursor = tool.cursor;
    for (const button of this.toolButtons) {
      button.setAttribute('aria-pressed', String(this.tools[button.dataset.tool] === tool));
    }
  }

  resetWindow() {
    if (!this.stage.picture) return;
    this.stage.setWindow(GreyWindow.automatic(this.stage.picture));
  }

  /** The next click is of this label. Objects one by one are of one label, so that they are asked for anew. */
  chooseLabel(value) {
    const { session } = this;
    session.chooseLabel(value);
    this.boxCorner = null;
    if (session.wants.instances || session.wants.alternatives) this.ask();
    else {
      session.save();
      this.showMasks();
      this.refresh();
    }
    announce(`Prompts are of ${labelName(session.labels.find(value))}`);
  }

  nextLabel() {
    const { labels, book } = this.session;
    if (!labels.areSeveral) return;
    this.chooseLabel(labels.list[(labels.indexOf(book.label) + 1) % labels.list.length].value);
  }

  async chooseTask(id) {
    try {
      const isChosen = await this.session.chooseTask(id);
      if (!isChosen || !this.root.isConnected) return;
      this.session.version = null;
      // A reload begins with the task that was chosen last, not with the one that the page was opened with.
      history.replaceState(null, '', id ? `#/segment?task=${id}` : '#/segment');
      this.panels.refresh();
      this.session.save();
      this.ask();
    } catch (error) {
      complain(error);
      // The task that still answers.
      this.panels.refresh();
    }
  }

  /** Asks for the mask of what is pointed at now. Whatever is answered later than that wins. */
  ask() {
    this.isPending = this.session.file !== null;
    this.refresh();
    if (!this.isPending) return;
    this.session.save();
    this.latest.ask(this.session.request());
  }

  key(event) {
    const { session, stage } = this;
    if (event.ctrlKey || event.metaKey) return false;
    const place = stage.cursor && { x: Math.round(stage.cursor.x), y: Math.round(stage.cursor.y) };
    switch (event.key) {
      case 'Enter': case ' ':
        if (!place) return false;
        if (this.boxCorner) this.endBox(place);
        else this.change(session.prompts.withPoint(place, !event.shiftKey));
        return true;
      case 'Backspace':
        if (place) this.change(session.prompts.withPoint(place, false));
        return true;
      case 'b': case 'B':
        if (!place) return true;
        if (this.boxCorner) this.endBox(place);
        else {
          this.boxCorner = place;
          announce('Box begun. Move to the other corner and press B.');
          stage.redraw();
        }
        return true;
      case 'Escape':
        this.boxCorner = null;
        stage.cursor = null;
        this.prompting.cancel();
        return true;
      default: return false;
    }
  }

  endBox(place) {
    const { boxCorner: corner } = this;
    this.boxCorner = null;
    const box = {
      x0: Math.min(corner.x, place.x), y0: Math.min(corner.y, place.y),
      x1: Math.max(corner.x, place.x), y1: Math.max(corner.y, place.y),
    };
    this.change(this.session.prompts.withBox(box));
  }

  /**
   * Undo and redo work wherever the focus is, but not while somebody types or a dialog is open. Single letters work on the
   * image only (WCAG 2.1.4): a voice that dictates must not switch tools.
   */
  globalKey(event) {
    const isTyping = event.target.closest?.('input:not([type="range"]):not([type="checkbox"]), select, textarea, dialog');
    if (isTyping || event.altKey || this.session.file === null) return;
    const key = event.key.toLowerCase();
    const isCommand = event.ctrlKey || event.metaKey;
    if (!isCommand && event.target !== this.stage.element) return;
    const actions = isCommand
      ? { z: () => (event.shiftKey ? this.redo() : this.undo()), y: () => this.redo() }
      : {
          p: () => this.choose(this.tools.prompt), w: () => this.choose(this.tools.window), h: () => this.choose(this.tools.pan),
          a: () => this.nextAlternative(), l: () => this.nextLabel(), '[': () => this.panels.nudgeOpacity(-0.1), ']': () => this.panels.nudgeOpacity(0.1),
        };
    if (!actions[key]) return;
    event.preventDefault();
    actions[key]();
  }

  nextAlternative() {
    const { session } = this;
    if (session.tileSide !== null) return;
    if (!session.wants.alternatives) {
      session.wants.alternatives = true;
      this.ask();
    } else if (session.masks.length > 1) {
      this.chooseAlternative((session.chosen + 1) % session.masks.length);
    }
  }

  chooseAlternative(index) {
    this.session.chooseAlternative(index);
    this.showMasks();
    this.panels.refresh();
    announce(`Alternative ${index + 1} of ${this.session.masks.length}`);
  }

  // What happened

  onOpened() {
    this.session.turn('masks');
    this.stage.setPicture(this.session.picture);
    this.showState();
    this.ask();
  }

  async onAnswer(result) {
    if (!this.session.isAbout(result)) return;
    this.isPending = this.latest.isBusy;
    this.session.accept(result);
    await this.showMasks();
    this.refresh();
    this.timing.textContent = `${result.hasEncoded ? 'image encoded, ' : ''}${decimal(result.milliseconds, 0)} ms`;
    this.timing.dataset.milliseconds = String(result.milliseconds);
    this.element().dataset.answers = String(Number(this.element().dataset.answers ?? 0) + 1);
    if (this.session.isShown) announce(`Mask of ${plural(this.session.mask.area, 'pixel')}, ${this.session.prompts.description}`);
  }

  onFailure(error) {
    this.isPending = this.latest.isBusy;
    complain(error);
    // An older mask would look like the answer to the newer prompts.
    this.session.reject();
    this.showMasks();
    this.refresh();
  }

  element() {
    return this.root.querySelector('.workspace') ?? document.createElement('div');
  }

  /** A map is decoded first: one that others have overtaken, or another image, is not shown any more. */
  async showMasks() {
    const isLast = this.session.turn('masks');
    const layers = await overlays(this.session, this.display);
    if (!isLast()) return;
    this.stage.layers = layers;
    this.stage.redraw();
  }

  drawMarks(context) {
    const { stage, session } = this;
    if (!this.display.hasMarks) return;
    if (session.prompts.box) drawBox(context, stage, session.prompts.box);
    if (this.prompting.rubber) drawBox(context, stage, this.prompting.rubber, true);
    if (this.boxCorner && stage.cursor) {
      const { boxCorner: a, stage: { cursor: b } } = this;
      drawBox(context, stage, { x0: Math.min(a.x, b.x), y0: Math.min(a.y, b.y), x1: Math.max(a.x, b.x), y1: Math.max(a.y, b.y) }, true);
    }
    for (const point of session.prompts.points) drawPoint(context, stage, point);
  }

  refresh() {
    const { session } = this;
    this.empty.hidden = session.file !== null;
    this.undoButton.disabled = !session.history.canUndo;
    this.redoButton.disabled = !session.history.canRedo;
    this.clearButton.disabled = session.prompts.isEmpty;
    this.element().dataset.pending = String(this.isPending === true);
    this.panels.refresh();
    this.stage.redraw();
  }

  showPlace(point) {
    const { picture } = this.stage;
    if (!point || !picture) return void (this.place.textContent = '');
    const [x, y] = [Math.round(point.x), Math.round(point.y)];
    const at = (Math.min(picture.height - 1, Math.max(0, y)) * picture.width + Math.min(picture.width - 1, Math.max(0, x))) * picture.channels;
    this.place.textContent = `x ${x}  y ${y}  value ${[...picture.samples.subarray(at, at + picture.channels)].join(' ')}`;
  }

  showState() {
    const { window, picture } = this.stage;
    if (!picture) return;
    this.state.textContent = `${picture.width} × ${picture.height}, ${picture.depth} bit  C ${Math.round(window.centre)} W ${Math.round(window.width)}`;
    Object.assign(this.state.dataset, { low: String(window.low), high: String(window.high) });
  }

  /** In a batch: takes the mask over as corrected. */
  async acceptCorrection() {
    const { session } = this;
    const { current } = session;
    await this.batch.correct({
      png: await (session.map ?? session.mask).toPNG(), prompts: session.book.json, answer: session.answer, answers: answersOf(session),
      candidate: session.areAlternatives ? current[0].json.candidate : 0, area_px: session.mask.area,
      areas: session.isComposed ? current.map(({ label, mask, json }) => ({ value: label.value, area_px: mask.area, score: json.score })) : null,
    });
    location.hash = '#/batch';
  }

  close() {
    this.latest.drop();
    if (this.batch) this.session.leave();
    document.removeEventListener('keydown', this.onGlobalKey);
  }
}
