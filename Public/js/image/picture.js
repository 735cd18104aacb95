import { isPNG, readPNG } from './png-reader.js';

/**
 * An image as the server reads it: stored samples, alpha dropped, less than 8 bits stretched to 0–255, palettes resolved
 * (docs/imaging.md).
 */
export class Picture {
  /**
   * @param {1|3} channels
   * @param {8|16} depth Bits of a sample.
   * @param {Uint8Array|Uint16Array} samples `width · height · channels` of them, interleaved.
   */
  constructor(width, height, channels, depth, samples) {
    Object.assign(this, { width, height, channels, depth, samples });
  }

  /** @param {Blob} file PNG or JPEG, told by its first bytes. */
  static async read(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isPNG(bytes)) return fromPNG(await readPNG(bytes));
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return fromBrowser(file);
    throw new Error('This is neither a PNG nor a JPEG image.');
  }
}

function fromPNG({ width, height, depth, channels, samples, palette }) {
  const count = width * height;
  if (palette !== null) {
    const colours = new Uint8Array(count * 3);
    for (let pixel = 0; pixel < count; pixel += 1) {
      const entry = samples[pixel] * 3;
      if (entry + 2 >= palette.length) throw new Error('The PNG file is damaged: a pixel is not in its palette.');
      for (let channel = 0; channel < 3; channel += 1) colours[pixel * 3 + channel] = palette[entry + channel];
    }
    return new Picture(width, height, 3, 8, colours);
  }
  const kept = channels >= 3 ? 3 : 1;
  const factor = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  if (kept === channels && factor === 1) return new Picture(width, height, kept, depth, samples);
  const result = new samples.constructor(count * kept);
  for (let pixel = 0; pixel < count; pixel += 1) {
    for (let channel = 0; channel < kept; channel += 1) {
      result[pixel * kept + channel] = samples[pixel * channels + channel] * factor;
    }
  }
  return new Picture(width, height, kept, depth === 16 ? 16 : 8, result);
}

/** JPEG through the browser's decoder; like the server's, without turning by the orientation tag. */
async function fromBrowser(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'none', colorSpaceConversion: 'none' });
  } catch {
    throw new Error('The JPEG file is damaged.');
  }
  const { width, height } = bitmap;
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const samples = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    samples.set(rgba.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  }
  return new Picture(width, height, 3, 8, samples);
}
