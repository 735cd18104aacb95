import { h } from '../dom.js';
import { integer, millimetres, percent } from '../format.js';
import { labelName } from '../labels.js';
import { setColour } from '../palette.js';
import { diceOf } from './measures.js';

/**
 * The labels of an answer: each with a box to show or hide it, its colour, its area, and its Dice where there is a ground truth.
 *
 * @param {Session} session
 * @param {Set<number>} hidden Labels that are not shown; changed here.
 * @param {() => void} onChange
 */
export function legend(session, hidden, onChange) {
  const hasTruth = session.truth !== null;
  const head = ['Show', 'Label', 'Area', ...(hasTruth ? ['Dice'] : [])];
  return h('table', { class: 'legend', 'aria-label': 'Labels' },
    h('thead', {}, h('tr', {}, head.map((name, index) =>
      h('th', { scope: 'col', class: index > 1 ? 'number' : null }, index === 0 ? h('span', { class: 'unseen' }, name) : name)))),
    h('tbody', {}, session.current.map((part) => h('tr', {},
      h('td', {}, shownBox(part.label, hidden, onChange)), h('th', { scope: 'row' }, nameCell(session, part, onChange)),
      h('td', { class: 'number' }, areaCell(session, part)),
      hasTruth ? h('td', { class: 'number' }, percent(diceOf(session, part))) : null))));
}

function shownBox(label, hidden, onChange) {
  const box = h('input', { type: 'checkbox', checked: !hidden.has(label.value), 'aria-label': `Show ${labelName(label)}`, onchange: () => {
    if (box.checked) hidden.delete(label.value);
    else hidden.add(label.value);
    onChange();
  } });
  return box;
}

function nameCell(session, { label, json }, onChange) {
  const colour = h('input', { type: 'color', value: label.colour, 'aria-label': `Colour of ${labelName(label)}`, onchange: () => {
    label.colour = colour.value;
    setColour(session.task.id, session.labels.indexOf(label.value), colour.value);
    onChange();
  } });
  return h('div', { class: 'row tight nowrap' }, colour, h('span', {}, labelName(label),
    json.found === false ? h('span', { class: 'warn small' }, ' not found') : null));
}

/** Of the pixels that the label has in the map, which may be fewer than its answer gave it. */
function areaCell(session, { mask }) {
  const pixels = mask.area;
  const spacing = session.answer.spacing_mm;
  if (!spacing) return `${integer(pixels)} px`;
  const area = pixels * spacing[0] * spacing[1];
  // The side has no room for five digits that matter to nobody.
  return [`${integer(pixels)} px`, h('br'), h('small', { class: 'quiet' }, `${millimetres(area, area < 1000 ? 1 : 0)} mm²`)];
}
