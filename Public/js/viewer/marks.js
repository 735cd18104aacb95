/** Prompts as they are drawn over an image, at the screen's scale: told apart by shape as well as by colour. */

const HALO = 'rgb(0 0 0 / 0.75)';
const FOREGROUND = '#63e08f';
const BACKGROUND = '#ff8d86';
const BOX = '#ffd75e';

/** A disc with a plus on the object, with a minus beside it. */
export function drawPoint(context, stage, { x, y, label }) {
  const at = stage.toScreen({ x, y });
  context.beginPath();
  context.arc(at.x, at.y, 7, 0, 2 * Math.PI);
  context.fillStyle = HALO;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = label === 1 ? FOREGROUND : BACKGROUND;
  context.stroke();
  context.beginPath();
  context.moveTo(at.x - 3.5, at.y);
  context.lineTo(at.x + 3.5, at.y);
  if (label === 1) {
    context.moveTo(at.x, at.y - 3.5);
    context.lineTo(at.x, at.y + 3.5);
  }
  context.stroke();
}

/** Corners are inclusive, so the line runs around the outer edges of their pixels. */
export function drawBox(context, stage, box, isOpen = false) {
  const [a, b] = [stage.toScreen({ x: box.x0 - 0.5, y: box.y0 - 0.5 }), stage.toScreen({ x: box.x1 + 0.5, y: box.y1 + 0.5 })];
  for (const [width, style] of [[3.5, HALO], [1.5, BOX]]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.setLineDash(isOpen ? [5, 4] : []);
    context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
  }
  context.setLineDash([]);
}
