import { readPNG } from './png-reader.js';
import { bytesOfBase64 } from './mask.js';

/** Black over red and yellow to white: even steps in the value are even steps in brightness, for every eye. */
const STOPS = [[0, [0, 0, 0]], [0.35, [122, 20, 40]], [0.65, [214, 96, 16]], [0.87, [250, 205, 70]], [1, [255, 255, 235]]];

/** A grey 8-bit map of an answer (base64 PNG) as a canvas in false colours; the value is the opacity as well. */
export async function heatCanvas(base64) {
  const { width, height, samples } = await readPNG(bytesOfBase64(base64));
  const table = Array.from({ length: 256 }, (_, value) => colourAt(value / 255));
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < samples.length; pixel += 1) {
    image.data.set(table[samples[pixel]], pixel * 4);
    image.data[pixel * 4 + 3] = Math.min(255, samples[pixel] * 2);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function colourAt(share) {
  const upper = Math.max(1, STOPS.findIndex(([position]) => position >= share));
  const [[from, start], [to, end]] = [STOPS[upper - 1], STOPS[upper]];
  const part = (share - from) / (to - from);
  return start.map((value, channel) => Math.round(value + (end[channel] - value) * part));
}
