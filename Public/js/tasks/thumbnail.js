import { colourParts } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { GreyWindow, renderPicture } from '../image/window.js';

const SIDE = 112;

/**
 * A small canvas of an image with masks over it, each in its colour.
 *
 * @param {Blob} image
 * @param {{mask: Mask, colour: string}[]} layers
 * @throws {Error} when the file does not decode or the sizes differ, in words.
 */
export async function thumbnail(image, layers, name, side = SIDE) {
  const picture = await Picture.read(image);
  for (const { mask } of layers) {
    if (mask.width !== picture.width || mask.height !== picture.height) {
      throw new Error(`The image has ${picture.width} × ${picture.height} pixels, its mask ${mask.width} × ${mask.height}.`);
    }
  }
  const scale = side / Math.max(picture.width, picture.height);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', layers.length > 0 ? `${name} with its mask` : name);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(renderPicture(picture, GreyWindow.automatic(picture)), 0, 0, canvas.width, canvas.height);
  for (const { mask, colour } of layers) {
    context.globalAlpha = 0.35;
    context.drawImage(mask.toCanvas(colourParts(colour)), 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
    context.save();
    context.scale(scale, scale);
    context.lineWidth = 1.5 / scale;
    context.strokeStyle = colour;
    context.stroke(mask.contour());
    context.restore();
  }
  return canvas;
}
