import { local } from '../storage.js';

/**
 * What each image of a batch is prompted with, when nobody points: nothing, its middle, or one box at the same place of
 * every image. Remembered per task.
 */
export const POLICIES = {
  none: 'No prompt: what the task has learnt',
  centre: 'One point in the middle of the image',
  box: 'The same box in every image',
};

const DEFAULT = { kind: 'none', box: [10, 10, 90, 90], label: null };
const key = (task) => `policy ${task ?? 'base'}`;

export function policyOf(task) {
  try {
    const kept = JSON.parse(local.getItem(key(task)));
    return kept && kept.kind in POLICIES && kept.box.length === 4 ? kept : { ...DEFAULT };
  } catch {
    return { ...DEFAULT };
  }
}

export function keepPolicy(task, policy) {
  local.setItem(key(task), JSON.stringify(policy));
}

/** The prompts for an image of `width` × `height` pixels, as the server takes them: of one label, where there are several. */
export function promptsOf({ kind, box, label }, width, height, labels) {
  if (kind !== 'centre' && kind !== 'box') return {};
  const named = labels.areSeveral ? { label: (labels.find(label) ?? labels.list[0]).value } : {};
  return { ...named, ...placesOf(kind, box, width, height) };
}

function placesOf(kind, box, width, height) {
  if (kind === 'centre') return { points: [{ x: Math.floor(width / 2), y: Math.floor(height / 2), label: 1 }] };
  const place = (share, size) => Math.min(size - 1, Math.max(0, Math.round((share / 100) * (size - 1))));
  const [x0, y0, x1, y1] = [place(box[0], width), place(box[1], height), place(box[2], width), place(box[3], height)];
  return { boxes: [{ x0: Math.min(x0, x1), y0: Math.min(y0, y1), x1: Math.max(x0, x1), y1: Math.max(y0, y1) }] };
}
