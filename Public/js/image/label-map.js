import { colourParts, Mask } from './mask.js';
import { Picture } from './picture.js';
import { isPNG, readPNG } from './png-reader.js';
import { writeGreyPNG } from './png-writer.js';

/** A label for each pixel, by its number; 0 is background. */
export class LabelMap {
  constructor(width, height, pixels = new Uint8Array(width * height)) {
    Object.assign(this, { width, height, pixels });
  }

  /**
   * Reads labels where annotation tools put them, as the server does: the grey sample, unscaled at any depth; the palette's
   * index, or its grey where the whole palette is grey; the common value of three channels.
   *
   * @throws {Error} in words, where a pixel has a colour, or the file is damaged.
   */
  static async read(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!isPNG(bytes)) {
      const { width, height, channels, samples } = await Picture.read(file);
      return new LabelMap(width, height, greyOf(samples, channels));
    }
    const { width, height, channels, samples, palette } = await readPNG(bytes);
    if (palette === null) return new LabelMap(width, height, greyOf(samples, channels));
    const isGrey = palette.every((value, index) => value === palette[index - (index % 3)]);
    return new LabelMap(width, height, isGrey ? samples.map((index) => palette[index * 3]) : samples);
  }

  /** The pixels of a mask as those of one label. */
  static ofMask({ width, height, pixels }, value) {
    return new LabelMap(width, height, pixels.map((pixel) => pixel * value));
  }

  /** The numbers that occur, ascending, without 0. */
  get values() {
    return [...new Set(this.pixels)].filter((value) => value !== 0).sort((a, b) => a - b);
  }

  get isEmpty() {
    return this.pixels.every((value) => value === 0);
  }

  area(value) {
    let sum = 0;
    for (const pixel of this.pixels) if (pixel === value) sum += 1;
    return sum;
  }

  /** The pixels of one label. */
  mask(value) {
    return new Mask(this.width, this.height, Uint8Array.from(this.pixels, (pixel) => (pixel === value ? 1 : 0)));
  }

  /** The pixels of any label. */
  get foreground() {
    return new Mask(this.width, this.height, Uint8Array.from(this.pixels, (pixel) => (pixel === 0 ? 0 : 1)));
  }

  /** Gives `value` to the pixels of `mask`; where `keepsOthers`, not to those that have another label. */
  take(mask, value, keepsOthers = false) {
    mask.pixels.forEach((isInside, index) => {
      if (isInside && !(keepsOthers && this.pixels[index] !== 0)) this.pixels[index] = value;
    });
  }

  /** Takes a label off all its pixels. */
  clear(value) {
    this.pixels.forEach((pixel, index) => {
      if (pixel === value) this.pixels[index] = 0;
    });
  }

  /** A canvas of the map's size: each of the labels in its colour, opaque, and clear elsewhere. */
  toCanvas(labels, canvas = document.createElement('canvas')) {
    if (canvas.width !== this.width || canvas.height !== this.height) Object.assign(canvas, { width: this.width, height: this.height });
    const context = canvas.getContext('2d');
    const image = context.createImageData(this.width, this.height);
    const words = new Uint32Array(image.data.buffer);
    const table = new Uint32Array(256);
    for (const { value, colour } of labels) table[value] = new Uint32Array(Uint8Array.of(...colourParts(colour), 255).buffer)[0];
    for (let index = 0; index < words.length; index += 1) words[index] = table[this.pixels[index]];
    context.putImageData(image, 0, 0);
    return canvas;
  }

  copy() {
    return new LabelMap(this.width, this.height, this.pixels.slice());
  }

  /** 8-bit grey, the numbers as they are. */
  toPNG() {
    return writeGreyPNG(this.width, this.height, Uint8Array.from(this.pixels));
  }
}

/** One sample a pixel, of grey (with or without alpha) or of colours that are all grey. */
function greyOf(samples, channels) {
  if (channels === 1) return samples;
  const grey = new samples.constructor(samples.length / channels);
  for (let pixel = 0; pixel < grey.length; pixel += 1) {
    const at = pixel * channels;
    if (channels >= 3 && (samples[at] !== samples[at + 1] || samples[at] !== samples[at + 2])) {
      throw new Error('The mask has colours. A label map has grey values, or a palette, one for each label.');
    }
    grey[pixel] = samples[at];
  }
  return grey;
}
