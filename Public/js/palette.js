import { local } from './storage.js';

/** Colours of labels: ten that differ in hue and lightness on grey images; a task's own choice is remembered by the browser. */
const COLOURS = [
  '#4fb3ff', '#ff9f43', '#5ad48a', '#ff6f91', '#c7a6ff', '#ffe066', '#2ad1c9', '#ff7f50', '#b8e986', '#e3a0d8',
];

const key = (task, label) => `colour ${task ?? 'base'} ${label}`;

/** Before anybody chooses. */
export const defaultColour = (index) => COLOURS[index % COLOURS.length];

export function colourOf(task, label = 0) {
  const chosen = local.getItem(key(task, label));
  return /^#[0-9a-f]{6}$/.test(chosen ?? '') ? chosen : defaultColour(label);
}

export function setColour(task, label, colour) {
  local.setItem(key(task, label), colour);
}
