import { colourParts, Mask } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { GreyWindow, renderPicture } from '../image/window.js';
import { colourOf } from '../palette.js';

const SIDE = 112;

/**
 * A small canvas of an image with its mask over it.
 *
 * @param {Blob} image
 * @param {Blob|Mask|null} mask
 * @throws {Error} when a file does not decode or the sizes differ, in words.
 */
export async function thumbnail(image, mask, name, colour = colourOf(null), side = SIDE) {
  const picture = await Picture.read(image);
  const overlay = mask === null || mask instanceof Mask ? mask : await Mask.read(mask);
  if (overlay && (overlay.width !== picture.width || overlay.height !== picture.height)) {
    throw new Error(`The image has ${picture.width} × ${picture.height} pixels, its mask ${overlay.width} × ${overlay.height}.`);
  }
  return pictureThumbnail(picture, overlay, name, colour, side);
}

export function pictureThumbnail(picture, mask, name, colour, side = SIDE) {
  const scale = side / Math.max(picture.width, picture.height);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', mask ? `${name} with its mask` : name);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(renderPicture(picture, GreyWindow.automatic(picture)), 0, 0, canvas.width, canvas.height);
  if (mask) {
    context.globalAlpha = 0.35;
    context.drawImage(mask.toCanvas(colourParts(colour)), 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
    context.scale(scale, scale);
    context.lineWidth = 1.5 / scale;
    context.strokeStyle = colour;
    context.stroke(mask.contour());
  }
  return canvas;
}
