/**
 * The grey window: which samples become black and which white. Only what is shown depends on it; the server gets the file.
 * Automatic is what the model sees too: everything for 8 bits; for 16, from the 0.5th to the 99.5th percentile of the
 * samples above the smallest present (docs/imaging.md).
 */
export class GreyWindow {
  constructor(low, high) {
    this.low = low;
    this.high = Math.max(high, low + 1);
  }

  static automatic(picture) {
    return picture.depth === 8 ? new GreyWindow(0, 255) : percentileWindow(picture.samples);
  }

  get width() { return this.high - this.low; }
  get centre() { return (this.low + this.high) / 2; }

  /** The window after a drag: to the right is wider, upwards is brighter, as on a reading station. */
  dragged(dx, dy, picture) {
    const unit = picture.depth === 8 ? 1 : Math.max(1, this.width / 256);
    const width = Math.max(picture.depth === 8 ? 2 : 16, this.width + dx * unit);
    const centre = this.centre + dy * unit;
    return new GreyWindow(centre - width / 2, centre + width / 2);
  }
}

function percentileWindow(samples) {
  const histogram = new Uint32Array(65536);
  for (let index = 0; index < samples.length; index += 1) histogram[samples[index]] += 1;
  const smallest = histogram.findIndex((count) => count > 0);
  const largest = histogram.findLastIndex((count) => count > 0);
  const total = samples.length - histogram[smallest];
  if (total === 0) return new GreyWindow(smallest, smallest + 1);
  // Nearest rank: the smallest value that at least that share of the samples does not exceed.
  const rank = (share) => {
    const wanted = Math.max(1, Math.ceil(share * total));
    let seen = 0;
    for (let value = smallest + 1; value <= largest; value += 1) {
      seen += histogram[value];
      if (seen >= wanted) return value;
    }
    return largest;
  };
  const [low, high] = [rank(0.005), rank(0.995)];
  return low === high ? new GreyWindow(smallest, largest) : new GreyWindow(low, high);
}

/** Draws `picture` through `window` into a canvas of its size. */
export function renderPicture(picture, window, canvas = document.createElement('canvas')) {
  const { width, height, channels, samples } = picture;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  const table = new Uint8ClampedArray(picture.depth === 8 ? 256 : 65536);
  const slope = 255 / window.width;
  for (let value = 0; value < table.length; value += 1) table[value] = Math.round((value - window.low) * slope);
  const pixels = image.data;
  for (let pixel = 0, to = 0; pixel < width * height; pixel += 1, to += 4) {
    const from = pixel * channels;
    pixels[to] = table[samples[from]];
    pixels[to + 1] = channels === 3 ? table[samples[from + 1]] : pixels[to];
    pixels[to + 2] = channels === 3 ? table[samples[from + 2]] : pixels[to];
    pixels[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
