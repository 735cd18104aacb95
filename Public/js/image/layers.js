import { LabelMap } from './label-map.js';
import { Mask } from './mask.js';

/**
 * The masks in a file, one for each label that it shows; where masks are black and white, one of all that is not 0.
 *
 * @param {TaskLabels} labels
 * @returns {Promise<{mask: Mask, colour: string, value: number}[]>}
 */
export async function layersOf(file, labels) {
  if (!labels.isMap) return [{ mask: await Mask.read(file), ...labels.list[0] }];
  return layersOfMap(await LabelMap.read(file), labels.list);
}

export const layersOfMap = (map, list) =>
  list.map((label) => ({ ...label, mask: map.mask(label.value) })).filter(({ mask }) => !mask.isEmpty);
