import { h } from './dom.js';
import { Problem } from './api.js';

/** Where messages go: into the dialog that is open, as all that lies beneath it is neither seen nor read out. */
const place = (name) => document.querySelector(`dialog[open] [data-${name}]`) ?? document.getElementById(name);

/** What a dialog that lasts has for messages. */
export const messagePlaces = () => [
  h('div', { class: 'problems', dataset: { problems: '' }, role: 'region', 'aria-label': 'Messages' }),
  h('div', { class: 'unseen', dataset: { announcer: '' }, role: 'status', 'aria-live': 'polite' }),
];

/** Tells a screen reader what changed, without moving the focus. */
export function announce(text) {
  const announcer = place('announcer');
  announcer.textContent = '';
  announcer.textContent = text;
}

/** Shows a failure in the server's words, with its hint, until it is closed. The same one is shown once. */
export function complain(error) {
  if (error?.name === 'AbortError') return;
  if (!(error instanceof Problem)) console.error(error);
  const region = place('problems');
  const box = problemBox(error, () => box.remove());
  for (const other of [...region.children]) if (other.textContent === box.textContent) other.remove();
  region.append(box);
  announce(`${error.title ?? 'Something failed'}. ${error.message}. ${error.hint ?? ''}`);
}

/** Takes down every failure that is shown: what was wrong has been mended. */
export function clearComplaints() {
  place('problems').replaceChildren();
}

/** The same text, to be placed where the failure belongs. */
export function problemBox(error, onClose) {
  const isProblem = error instanceof Problem;
  return h('div', { class: 'problem', role: 'alert' },
    h('div', { class: 'row' },
      h('strong', {}, isProblem ? error.title : 'The page failed'),
      onClose && h('button', { class: 'plain', 'aria-label': 'Close this message', onclick: onClose }, '✕')),
    h('p', {}, error.message, error.field ? h('span', { class: 'quiet' }, ` (${error.field})`) : null),
    error.hint ? h('p', {}, error.hint) : null);
}

/** Asks before something that cannot be undone; resolves to true when it was confirmed. */
export function confirmAction(title, text, action) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { 'aria-label': title, onclose: () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    } },
    h('h2', {}, title), h('p', {}, text),
    h('div', { class: 'row' },
      h('button', { onclick: () => dialog.close('no') }, 'Cancel'),
      h('button', { class: 'danger', onclick: () => dialog.close('yes') }, action)));
    document.body.append(dialog);
    dialog.showModal();
  });
}
