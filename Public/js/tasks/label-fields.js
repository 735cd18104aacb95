import { fill, h } from '../dom.js';
import { labelName } from '../labels.js';
import { plural } from '../format.js';

/**
 * What the masks outline, as fields: one name and colour, or the list of a label map's numbers with a name and a colour each.
 *
 * @param {DraftLabels} labels
 * @param {{renamed: () => void, recoloured: () => void, added: () => void, removed: (value) => void, kindChosen: (kind) => void}} actions
 */
export function fillLabelFields(place, labels, actions) {
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  fill(place, labels.isMap ? mapFields(labels, actions) : objectFields(labels, actions));
  if (focused) (place.querySelector(`[data-key="${focused}"]`) ?? place.querySelector('button'))?.focus();
}

function objectFields(labels, actions) {
  const [entry] = labels.entries;
  const input = nameField(entry, { id: 'label', placeholder: 'left ventricle', dataset: { key: 'name' } }, actions);
  const { values } = labels;
  return [
    h('div', { class: 'field' }, h('label', { for: 'label' }, 'What the masks outline'),
      h('div', { class: 'row tight nowrap' }, input, colourField(entry, 'Colour of the label', actions))),
    values.length > 1 && values.length <= 254 ? h('div', { class: 'notice small' },
      h('p', {}, `The masks have ${values.length > 8 ? `${values.length} values` : `the values ${values.join(', ')}`}; all of them are taken as one object.`),
      h('button', { dataset: { key: 'kind' }, onclick: () => actions.kindChosen('map') }, 'Take them as labels')) : null,
    h('div', {}, h('button', { class: 'plain', dataset: { key: 'add' }, onclick: () => actions.added() }, 'Add a label')),
  ];
}

function mapFields(labels, actions) {
  return h('fieldset', { class: 'labels' }, h('legend', {}, 'Labels, by their value in the masks'),
    h('ul', {}, labels.entries.map((entry) => {
      const { value } = entry;
      const count = labels.found.get(value) ?? 0;
      return h('li', {}, h('span', { class: 'mono' }, String(value)),
        nameField(entry, { 'aria-label': `Name of label ${value}`, placeholder: labelName({ value }), dataset: { key: `name ${value}` } }, actions),
        colourField(entry, `Colour of label ${value}`, actions),
        h('span', { class: count > 0 ? 'quiet small count' : 'warn small count' }, count > 0 ? `in ${plural(count, 'mask')}` : 'in no mask'),
        count > 0 ? null : h('button', { class: 'plain', 'aria-label': `Remove label ${value}`, dataset: { key: `remove ${value}` }, onclick: () => actions.removed(value) }, '✕'));
    })),
    h('div', { class: 'row tight' },
      h('button', { class: 'plain', dataset: { key: 'add' }, onclick: () => actions.added() }, 'Add a label'),
      h('button', { class: 'plain', dataset: { key: 'kind' }, onclick: () => actions.kindChosen('object') }, 'Take all as one object')));
}

function nameField(entry, attributes, actions) {
  return h('input', { type: 'text', maxlength: '200', value: entry.name, ...attributes, oninput: (event) => {
    entry.name = event.target.value;
    actions.renamed();
  } });
}

function colourField(entry, name, actions) {
  return h('input', { type: 'color', value: entry.colour, 'aria-label': name, onchange: (event) => {
    entry.colour = event.target.value;
    actions.recoloured();
  } });
}
