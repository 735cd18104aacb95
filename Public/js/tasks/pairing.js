import { LabelMap } from '../image/label-map.js';
import { limited } from '../limited.js';

/** Endings that people give to masks; the server knows the same. */
export const ENDING = /[_-](mask|seg|label|gt)$/i;
const MASK_FOLDER = /^(masks?|labels?|seg|segmentations?|gt|ground[_-]?truths?|annotations?)$/i;
const IMAGE_FOLDER = /^(images?|imgs?|scans?|queries)$/i;

/** `scans/case01.png` → `case01` */
export const stemOfPath = (path) => path.split('/').pop().replace(/\.[^.]*$/, '');

/**
 * Which files are images, which are masks, and which belong together: by folder (`images/`, `masks/`), by ending
 * (`case01_mask.png`), and where neither says anything, by what the pixels look like.
 *
 * @param {{file: File, path: string}[]} found
 * @returns {Promise<{pairs: {stem, image, mask}[], images: Found[], masks: Found[]}>} Images and masks without a partner apart.
 */
export async function pairFiles(found) {
  const kinds = await Promise.all(found.map(async ({ file, path }) => kindOfPath(path) ?? (await limited(() => kindOfPixels(file)))));
  return pair(found.filter((_, index) => kinds[index] === 'image'), found.filter((_, index) => kinds[index] === 'mask'));
}

export function kindOfPath(path) {
  const folders = path.split('/').slice(0, -1).reverse();
  for (const folder of folders) {
    if (MASK_FOLDER.test(folder)) return 'mask';
    if (IMAGE_FOLDER.test(folder)) return 'image';
  }
  return ENDING.test(stemOfPath(path)) ? 'mask' : null;
}

/** A mask has few values, one of them 0; whatever does not decode is left to the server as an image. */
async function kindOfPixels(file) {
  try {
    const seen = new Set();
    for (const value of (await LabelMap.read(file)).pixels) {
      seen.add(value);
      if (seen.size > 16) return 'image';
    }
    return seen.has(0) || seen.size === 1 ? 'mask' : 'image';
  } catch {
    return 'image';
  }
}

/** Pairs by stem; a mask may have an ending that its image has not. */
export function pair(images, masks) {
  const free = new Set(masks);
  const pairs = [];
  const lonely = [];
  const stems = new Set();
  for (const image of images) {
    const stem = stemOfPath(image.path);
    const mask = [...free].find(({ path }) => stemOfPath(path) === stem) ??
      [...free].find(({ path }) => stemOfPath(path).replace(ENDING, '') === stem);
    if (mask) {
      free.delete(mask);
      pairs.push({ stem: fresh(stem, stems), image, mask });
    } else lonely.push(image);
  }
  return { pairs, images: lonely, masks: [...free] };
}

/** `stem`, or `stem-2` and so on when it is taken already: files of two folders may have the same name. */
export function fresh(stem, taken) {
  let result = stem;
  for (let number = 2; taken.has(result); number += 1) result = `${stem}-${number}`;
  taken.add(result);
  return result;
}
