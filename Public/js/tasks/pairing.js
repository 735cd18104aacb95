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

/**
 * Pairs by stem; a mask may have an ending that its image has not. Patients' folders often hold files of the same names: among
 * namesakes the folders decide, and what they leave open stays without a partner, as it may be another patient's.
 *
 * @param {{path: string}[]} settled Images that have their masks already: one more of that name may be theirs all the same.
 */
export function pair(images, masks, settled = []) {
  const free = new Set(masks);
  const pairs = [];
  const lonely = [];
  const stems = new Set();
  for (const image of images) {
    const stem = stemOf(image);
    const order = (a, b) => nearness(image, b) - nearness(image, a) || Number(stemOf(b) === stem) - Number(stemOf(a) === stem);
    const [mask, next] = [...free].filter((other) => isOf(other, stem)).sort(order);
    const rivals = mask ? [...images, ...settled].filter((other) => other !== image && stemOf(other) === stem) : [];
    const isOpen = (next && order(mask, next) === 0) || rivals.some((other) => nearness(other, mask) >= nearness(image, mask));
    if (mask && !isOpen) {
      free.delete(mask);
      pairs.push({ stem: fresh(stem, stems), image, mask });
    } else lonely.push(image);
  }
  return { pairs, images: lonely, masks: [...free] };
}

const stemOf = ({ path }) => stemOfPath(path);
const isOf = (mask, stem) => stemOf(mask) === stem || stemOf(mask).replace(ENDING, '') === stem;

/** How much the folders of two files have in common, those left out that only say what lies in them. */
function nearness(one, other) {
  const [own, others] = [one, other].map(({ path }) =>
    new Set(path.split('/').slice(0, -1).filter((folder) => !MASK_FOLDER.test(folder) && !IMAGE_FOLDER.test(folder))));
  const shared = [...own].filter((folder) => others.has(folder)).length;
  return shared - (own.size + others.size - 2 * shared) / 2;
}

/** `stem`, or `stem-2` and so on when it is taken already: files of two folders may have the same name. */
export function fresh(stem, taken) {
  let result = stem;
  for (let number = 2; taken.has(result); number += 1) result = `${stem}-${number}`;
  taken.add(result);
  return result;
}
