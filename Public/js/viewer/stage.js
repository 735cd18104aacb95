import { h } from '../dom.js';
import { announce } from '../messages.js';
import { GreyWindow, renderPicture } from '../image/window.js';

const MINIMUM_SCALE = 0.05;
const MAXIMUM_SCALE = 64;
const MARGIN = 12;

/**
 * An image on black that can be zoomed, panned and pointed at, by pointer or keyboard.
 *
 * Points are in the server's coordinates: pixel centres at integers, so the image reaches from −0.5 to `width` − 0.5.
 * What a pointer does is decided by `tool`, an object with any of `down`, `move`, `up`, `cancel` (each gets the point and
 * the event) and `cursor`. What lies over the image are `layers`; what has the screen's scale is drawn by `drawMarks`.
 */
export class Stage {
  /**
   * @param {string} label What a screen reader calls it.
   * @param {string} help The id of the element that explains the keys.
   */
  constructor(label, help) {
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    this.element = h('div', {
      class: 'stage', tabindex: '0', role: 'application', 'aria-label': label, 'aria-describedby': help,
    }, this.canvas);
    this.picture = null;
    this.window = null;
    /** @type {{canvas?: HTMLCanvasElement, contour?: Path2D, colour?: string, opacity?: number, dash?: number[]}[]} */
    this.layers = [];
    this.tool = {};
    this.drawMarks = () => {};
    this.onKey = () => false;
    this.onHover = () => {};
    this.onWindow = () => {};
    this.scale = 1;
    this.offset = { x: 0, y: 0 };
    this.cursor = null;
    this.isFitted = true;
    this.gesture = null;
    this.listen();
  }

  /** Shows `picture`, whole and through its automatic window. */
  setPicture(picture) {
    this.picture = picture;
    this.window = GreyWindow.automatic(picture);
    this.rendered = renderPicture(picture, this.window);
    this.layers = [];
    this.cursor = null;
    this.fit();
  }

  setWindow(window) {
    this.window = window;
    this.isWindowStale = true;
    this.onWindow(window);
    this.redraw();
  }

  fit() {
    this.isFitted = true;
    const { width, height } = this.size();
    if (this.picture && width > 0 && height > 0) {
      const room = { x: Math.max(20, width - 2 * MARGIN), y: Math.max(20, height - 2 * MARGIN) };
      this.scale = Math.min(room.x / this.picture.width, room.y / this.picture.height);
      this.offset = {
        x: (width - this.picture.width * this.scale) / 2, y: (height - this.picture.height * this.scale) / 2,
      };
    }
    this.redraw();
  }

  /** Multiplies the scale, keeping the image's place under the screen's (x, y), the middle by default. */
  zoom(factor, x = this.size().width / 2, y = this.size().height / 2) {
    const scale = Math.min(MAXIMUM_SCALE, Math.max(MINIMUM_SCALE, this.scale * factor));
    const change = scale / this.scale;
    this.offset = { x: x - (x - this.offset.x) * change, y: y - (y - this.offset.y) * change };
    this.scale = scale;
    this.isFitted = false;
    this.redraw();
  }

  /** One image pixel on one screen pixel. */
  actualSize() {
    this.zoom(1 / (this.scale * devicePixelRatio));
  }

  pan(dx, dy) {
    this.offset = { x: this.offset.x + dx, y: this.offset.y + dy };
    this.isFitted = false;
    this.redraw();
  }

  toScreen({ x, y }) {
    return { x: this.offset.x + (x + 0.5) * this.scale, y: this.offset.y + (y + 0.5) * this.scale };
  }

  toImage(x, y) {
    return { x: (x - this.offset.x) / this.scale - 0.5, y: (y - this.offset.y) / this.scale - 0.5 };
  }

  /** Where an event points, in image coordinates. */
  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.toImage(event.clientX - box.left, event.clientY - box.top);
  }

  contains({ x, y }) {
    return this.picture !== null && x >= -0.5 && y >= -0.5 && x <= this.picture.width - 0.5 &&
      y <= this.picture.height - 0.5;
  }

  /** The nearest point of the image. */
  clamped({ x, y }) {
    return {
      x: Math.min(this.picture.width - 1, Math.max(0, x)), y: Math.min(this.picture.height - 1, Math.max(0, y)),
    };
  }

  /** The keyboard's crosshair; in the middle of the image before it was first moved. */
  get crosshair() {
    return this.cursor ?? { x: Math.floor(this.picture.width / 2), y: Math.floor(this.picture.height / 2) };
  }

  size() {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  /** Asks for a frame; many requests before it make one. */
  redraw() {
    if (this.isFrameAsked) return;
    this.isFrameAsked = true;
    requestAnimationFrame(() => {
      this.isFrameAsked = false;
      this.draw();
    });
  }

  draw() {
    const { width, height } = this.size();
    const ratio = devicePixelRatio;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
    }
    const context = this.canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (this.picture === null) return;
    if (this.isWindowStale) {
      this.isWindowStale = false;
      renderPicture(this.picture, this.window, this.rendered);
    }
    context.save();
    context.translate(this.offset.x, this.offset.y);
    context.scale(this.scale, this.scale);
    // Magnified, a pixel is a square: nothing is shown that is not in the file.
    context.imageSmoothingEnabled = this.scale * ratio < 1;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.rendered, 0, 0);
    for (const layer of this.layers) this.drawLayer(context, layer);
    context.restore();
    this.drawMarks(context);
    if (this.cursor !== null) this.drawCrosshair(context);
  }

  drawLayer(context, { canvas, contour, colour, opacity = 1, dash = [] }) {
    if (canvas && opacity > 0) {
      context.globalAlpha = opacity;
      context.drawImage(canvas, 0, 0);
      context.globalAlpha = 1;
    }
    if (contour) {
      context.lineCap = 'square';
      for (const [width, style] of [[3.5, 'rgb(0 0 0 / 0.55)'], [1.6, colour]]) {
        context.lineWidth = width / this.scale;
        context.strokeStyle = style;
        context.setLineDash(dash.map((length) => length / this.scale));
        context.stroke(contour);
      }
      context.setLineDash([]);
    }
  }

  drawCrosshair(context) {
    const { x, y } = this.toScreen(this.cursor);
    context.lineWidth = 1;
    for (const [style, shift] of [['rgb(0 0 0 / 0.8)', 1], ['#ffe45c', 0]]) {
      context.strokeStyle = style;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * 5 + shift, y + dy * 5 + shift);
        context.lineTo(x + dx * 16 + shift, y + dy * 16 + shift);
      }
      context.stroke();
    }
  }

  listen() {
    const { element, canvas } = this;
    new ResizeObserver(() => (this.isFitted ? this.fit() : this.redraw())).observe(element);
    element.addEventListener('wheel', (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      this.zoom(Math.exp(-event.deltaY * 0.0016), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('pointerdown', (event) => this.begin(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.end(event));
    canvas.addEventListener('pointercancel', (event) => this.abandon(event));
    canvas.addEventListener('pointerleave', () => this.onHover(null));
    element.addEventListener('keydown', (event) => this.key(event));
    element.addEventListener('blur', () => {
      this.cursor = null;
      this.redraw();
    });
  }

  begin(event) {
    if (this.picture === null || this.gesture !== null) return;
    this.element.focus({ preventScroll: true });
    if (this.cursor !== null) {
      this.cursor = null;
      this.redraw();
    }
    this.canvas.setPointerCapture(event.pointerId);
    const isPan = event.button === 1 || this.tool.isPan === true;
    this.gesture = { isPan, x: event.clientX, y: event.clientY, pointer: event.pointerId };
    if (isPan) event.preventDefault();
    else this.tool.down?.(this.pointOf(event), event);
  }

  move(event) {
    if (this.isOfAnother(event)) return;
    const point = this.pointOf(event);
    this.onHover(this.contains(point) ? point : null);
    if (this.gesture === null) return void this.tool.hover?.(point, event);
    const [dx, dy] = [event.clientX - this.gesture.x, event.clientY - this.gesture.y];
    Object.assign(this.gesture, { x: event.clientX, y: event.clientY });
    if (this.gesture.isPan) this.pan(dx, dy);
    else this.tool.move?.(point, event, { dx, dy });
  }

  end(event) {
    if (this.gesture === null || this.isOfAnother(event)) return;
    const { isPan } = this.gesture;
    this.gesture = null;
    if (!isPan) this.tool.up?.(this.pointOf(event), event);
  }

  abandon(event) {
    if (this.isOfAnother(event)) return;
    if (this.gesture && !this.gesture.isPan) this.tool.cancel?.();
    this.gesture = null;
    this.redraw();
  }

  /** Whether it comes from a second finger, or the palm, while a gesture is under way. */
  isOfAnother({ pointerId }) {
    return this.gesture !== null && pointerId !== this.gesture.pointer;
  }

  key(event) {
    if (this.picture === null) return;
    const step = event.shiftKey ? 10 : 1;
    // With Control or Command these keys are the browser's, which enlarges the page by them.
    const isCommand = event.ctrlKey || event.metaKey;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key] && !isCommand) {
      const [dx, dy] = moves[event.key];
      this.cursor = this.clamped({ x: this.crosshair.x + dx, y: this.crosshair.y + dy });
      this.onHover(this.cursor);
      announce(`x ${this.cursor.x}, y ${this.cursor.y}`);
      this.redraw();
    } else if ((event.key === '+' || event.key === '=') && !isCommand) this.zoom(1.25);
    else if (event.key === '-' && !isCommand) this.zoom(0.8);
    else if (event.key === '0' && !isCommand) this.fit();
    else if (event.key === '1' && !isCommand) this.actualSize();
    else if (!this.onKey(event)) return;
    event.preventDefault();
  }
}
