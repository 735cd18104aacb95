/** Paints every pixel within `radius` of the line from `from` to `to` (image coordinates, pixel centres at integers). */
export function paintStroke(mask, from, to, radius, value) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const [left, right] = [Math.min(from.x, to.x) - radius, Math.max(from.x, to.x) + radius];
  const [top, bottom] = [Math.min(from.y, to.y) - radius, Math.max(from.y, to.y) + radius];
  for (let y = Math.max(0, Math.ceil(top)); y <= Math.min(mask.height - 1, bottom); y += 1) {
    for (let x = Math.max(0, Math.ceil(left)); x <= Math.min(mask.width - 1, right); x += 1) {
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / length));
      const [ex, ey] = [x - from.x - along * dx, y - from.y - along * dy];
      if (ex * ex + ey * ey <= radius * radius) mask.pixels[y * mask.width + x] = value;
    }
  }
}
