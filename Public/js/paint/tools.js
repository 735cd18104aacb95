import { paintStroke } from './brush.js';
import { fillPolygon } from './polygon.js';

const isErasing = (event) => event.button === 2 || event.altKey || event.ctrlKey;

/** Paints while it is dragged; the right button, Alt or `erases` takes away. */
export function brushTool(painter, erases) {
  let last = null;
  let value = 1;
  return {
    name: erases ? 'eraser' : 'brush',
    cursor: 'none',
    down(point, event) {
      value = erases || isErasing(event) ? 0 : painter.value;
      painter.begin();
      last = point;
      paintStroke(painter.mask, point, point, painter.radius, value);
      painter.changed();
    },
    hover(point) {
      painter.place = point;
      painter.stage.redraw();
    },
    move(point) {
      painter.place = point;
      if (last === null) return;
      paintStroke(painter.mask, last, point, painter.radius, value);
      last = point;
      painter.changed();
    },
    up() {
      last = null;
      painter.commit();
    },
    cancel() {
      if (last !== null) painter.commit();
      last = null;
    },
    /** By key: one stamp. */
    stamp(point, isErased) {
      painter.begin();
      paintStroke(painter.mask, point, point, painter.radius, erases || isErased ? 0 : painter.value);
      painter.commit();
    },
  };
}

/** Corner by corner; the first corner again, Enter twice, or a double click closes it. With Alt it is cut out. */
export function polygonTool(painter) {
  const tool = {
    name: 'polygon',
    cursor: 'crosshair',
    points: [],
    isCut: false,
    end: null,
    down(point, event) {
      tool.add(painter.stage.clamped(point), isErasing(event));
    },
    hover(point) {
      tool.end = point;
      painter.stage.redraw();
    },
    add(point, isCut) {
      if (tool.points.length === 0) tool.isCut = isCut;
      const [first, last] = [tool.points[0], tool.points.at(-1)];
      const reach = 8 / painter.stage.scale;
      const isNear = (other) => other && Math.hypot(other.x - point.x, other.y - point.y) <= reach;
      if (tool.points.length >= 3 && (isNear(first) || isNear(last))) return tool.close();
      if (isNear(last)) return undefined;
      tool.points.push(point);
      painter.refresh();
      return undefined;
    },
    close() {
      if (tool.points.length >= 3) {
        painter.begin();
        fillPolygon(painter.mask, tool.points, tool.isCut ? 0 : painter.value);
        painter.commit();
      }
      tool.cancel();
    },
    cancel() {
      tool.points = [];
      tool.end = null;
      painter.refresh();
    },
    stamp(point, isErased) {
      tool.add(point, isErased);
    },
  };
  return tool;
}
