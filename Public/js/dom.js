/**
 * Builds an element. `attributes` may hold `on…` handlers (functions), `class`, `dataset` (object), properties that are
 * booleans (`disabled: true`), and attributes; null and undefined ones are left out. Children are nodes, texts, or lists.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  apply(element, attributes);
  append(element, children);
  return element;
}

/** The same in SVG. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  apply(element, attributes);
  append(element, children);
  return element;
}

/** Puts `children` in place of all that `element` holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

function apply(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith('on') && typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (name === 'dataset') Object.assign(element.dataset, value);
    else if (name === 'value' || typeof value === 'boolean') element[name] = value;
    else element.setAttribute(name, String(value));
  }
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

let count = 0;
/** An id that no other element has, to tie a label or a description to its control. */
export function freshId(stem) {
  count += 1;
  return `${stem}-${count}`;
}

/** A labelled control: the label stands above it. */
export function field(label, control, note) {
  control.id ||= freshId('field');
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, note && h('small', {}, note));
}
