import { Picture } from './picture.js';
import { readPNG } from './png-reader.js';
import { writeGreyPNG } from './png-writer.js';

/** A binary mask: one byte a pixel, 0 or 1. */
export class Mask {
  constructor(width, height, pixels = new Uint8Array(width * height)) {
    Object.assign(this, { width, height, pixels });
  }

  /** Any colour sample that is not 0 marks the object, as the server reads masks. */
  static async read(file) {
    const { width, height, channels, samples } = await Picture.read(file);
    const mask = new Mask(width, height);
    for (let index = 0; index < samples.length; index += 1) {
      if (samples[index] !== 0) mask.pixels[channels === 1 ? index : Math.floor(index / channels)] = 1;
    }
    return mask;
  }

  /** From the base64 of an answer. */
  static async fromBase64(text) {
    const { width, height, samples } = await readPNG(bytesOfBase64(text));
    return new Mask(width, height, samples.map((value) => (value === 0 ? 0 : 1)));
  }

  /** 0 and 255, 8-bit grey. */
  toPNG() {
    return writeGreyPNG(this.width, this.height, this.pixels.map((value) => value * 255));
  }

  copy() {
    return new Mask(this.width, this.height, this.pixels.slice());
  }

  get area() {
    let sum = 0;
    for (const pixel of this.pixels) sum += pixel;
    return sum;
  }

  get isEmpty() {
    return !this.pixels.includes(1);
  }

  /** The pixels of several masks of one size together. */
  static union(masks) {
    const result = masks[0].copy();
    for (const mask of masks.slice(1)) mask.pixels.forEach((value, index) => (result.pixels[index] |= value));
    return result;
  }

  /** 2·|A∩B| / (|A| + |B|), and 1 for two empty masks. */
  dice(other) {
    let both = 0;
    let sum = 0;
    for (let index = 0; index < this.pixels.length; index += 1) {
      both += this.pixels[index] & other.pixels[index];
      sum += this.pixels[index] + other.pixels[index];
    }
    return sum === 0 ? 1 : (2 * both) / sum;
  }

  /** A canvas of the mask's size in `colour`, [r, g, b], opaque inside and clear outside. */
  toCanvas([red, green, blue], canvas = document.createElement('canvas')) {
    if (canvas.width !== this.width || canvas.height !== this.height) {
      Object.assign(canvas, { width: this.width, height: this.height });
    }
    const context = canvas.getContext('2d');
    const image = context.createImageData(this.width, this.height);
    const words = new Uint32Array(image.data.buffer);
    const word = new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0];
    for (let index = 0; index < words.length; index += 1) if (this.pixels[index]) words[index] = word;
    context.putImageData(image, 0, 0);
    return canvas;
  }

  /**
   * The outline along the edges of the pixels, in coordinates where the pixel (x, y) reaches from x to x + 1; runs of
   * edges are joined.
   */
  contour() {
    const { width, height, pixels } = this;
    const path = new Path2D();
    const inside = (x, y) => x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
    for (let y = 0; y <= height; y += 1) {
      for (let x = 0, start = -1; x <= width; x += 1) {
        const isEdge = x < width && inside(x, y - 1) !== inside(x, y);
        if (isEdge && start < 0) start = x;
        if (!isEdge && start >= 0) {
          path.moveTo(start, y);
          path.lineTo(x, y);
          start = -1;
        }
      }
    }
    for (let x = 0; x <= width; x += 1) {
      for (let y = 0, start = -1; y <= height; y += 1) {
        const isEdge = y < height && inside(x - 1, y) !== inside(x, y);
        if (isEdge && start < 0) start = y;
        if (!isEdge && start >= 0) {
          path.moveTo(x, start);
          path.lineTo(x, y);
          start = -1;
        }
      }
    }
    return path;
  }
}

export function bytesOfBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function base64OfBytes(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

/** `#4aa3d8` → [74, 163, 216] */
export function colourParts(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
