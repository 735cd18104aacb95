/**
 * Fills the polygon by the even-odd rule: a pixel belongs to it when its centre does. A centre exactly on an edge belongs
 * to the polygon on the right of or below the edge, so that two polygons with a common edge share no pixel.
 */
export function fillPolygon(mask, points, value) {
  for (let y = 0; y < mask.height; y += 1) {
    const crossings = [];
    for (let index = 0; index < points.length; index += 1) {
      const [a, b] = [points[index], points[(index + 1) % points.length]];
      if (a.y <= y !== b.y <= y) crossings.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
    }
    crossings.sort((first, second) => first - second);
    for (let index = 0; index + 1 < crossings.length; index += 2) {
      const start = Math.max(0, Math.ceil(crossings[index]));
      const end = Math.min(mask.width - 1, Math.ceil(crossings[index + 1]) - 1);
      for (let x = start; x <= end; x += 1) mask.pixels[y * mask.width + x] = value;
    }
  }
}
