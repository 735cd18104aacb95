/** What the pointer does on a stage. Each is an object as `Stage` asks for. */

/** A drag changes the grey window: across its width, up and down its brightness. */
export function windowTool(stage) {
  return {
    name: 'window',
    cursor: 'ns-resize',
    move(_, event, { dx, dy }) {
      stage.setWindow(stage.window.dragged(dx, dy, stage.picture));
    },
  };
}

/** A drag moves the image. */
export const panTool = { name: 'pan', cursor: 'grab', isPan: true };

const DRAG_BEGINS = 5;

/**
 * A click sets a point (background with the right button, Alt or Ctrl), a drag with the left button spans a box.
 *
 * @param {{point: (point, isForeground: boolean) => void, box: (box) => void}} actions
 */
export function promptTool(stage, actions) {
  let start = null;
  return {
    name: 'prompt',
    cursor: 'crosshair',
    /** The box while it is spanned, to be drawn; null otherwise. */
    rubber: null,
    down(point, event) {
      start = { point, x: event.clientX, y: event.clientY, isForeground: isForeground(event) };
    },
    move(point, event) {
      if (start === null || !start.isForeground) return;
      const isDrag = Math.hypot(event.clientX - start.x, event.clientY - start.y) >= DRAG_BEGINS;
      if (this.rubber !== null || isDrag) this.rubber = spanned(stage, start.point, point);
      stage.redraw();
    },
    up(point) {
      const [begun, rubber] = [start, this.rubber];
      this.cancel();
      if (begun === null) return;
      if (rubber !== null) {
        if (rubber.x1 > rubber.x0 && rubber.y1 > rubber.y0) actions.box(rubber);
      } else if (stage.contains(point)) {
        const place = stage.clamped(point);
        actions.point({ x: Math.round(place.x), y: Math.round(place.y) }, begun.isForeground);
      }
    },
    cancel() {
      start = null;
      this.rubber = null;
      stage.redraw();
    },
  };
}

const isForeground = (event) => event.button === 0 && !event.altKey && !event.ctrlKey;

/** The box of whole pixels between two points, cut to the image. */
function spanned(stage, a, b) {
  const [from, to] = [stage.clamped(a), stage.clamped(b)];
  return {
    x0: Math.round(Math.min(from.x, to.x)), y0: Math.round(Math.min(from.y, to.y)),
    x1: Math.round(Math.max(from.x, to.x)), y1: Math.round(Math.max(from.y, to.y)),
  };
}
