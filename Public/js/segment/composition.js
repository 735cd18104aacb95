import { LabelMap } from '../image/label-map.js';

/**
 * One label map of several answers: the one without a prompt, which has a mask for each label, and those of prompts, each of
 * one label. These take pixels from the first, as whoever points at a label has looked at it; and of two that overlap the smaller
 * lies in front, as what is within another structure is smaller than that.
 *
 * @param {{value: number}[]} labels
 * @param {{label: number|null, masks: {json, mask: Mask}[]}[]} answers `label` is null without a prompt.
 * @returns {{map: LabelMap, parts: {label, json, mask: Mask, isWhole: boolean}[]}} A part for each label that was answered;
 *   `isWhole` unless another label has taken some of its pixels.
 */
export function compose(labels, answers) {
  const { width, height } = answers[0].masks[0].mask;
  const map = new LabelMap(width, height);
  const sources = new Map();
  const [learnt, pointed] = [answers.filter(({ label }) => label === null), answers.filter(({ label }) => label !== null)];
  const layers = [...learnt.flatMap(({ masks }) => masks), ...pointed.flatMap(({ masks }) => masks).sort((a, b) => b.mask.area - a.mask.area)];
  for (const { json, mask } of layers) {
    const value = json.label_value;
    if (sources.has(value)) map.clear(value);
    map.take(mask, value);
    sources.set(value, json);
  }
  const parts = labels.filter(({ value }) => sources.has(value)).map((label) => {
    const json = sources.get(label.value);
    const mask = map.mask(label.value);
    return { label, json, mask, isWhole: mask.area === json.area_px };
  });
  return { map, parts };
}
