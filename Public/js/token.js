import { field, h } from './dom.js';
import { problemBox } from './messages.js';

/**
 * Asks for the access token that the server wants; resolves to it, or to null when the person declines. It is held in
 * memory by the caller: closing or reloading the page forgets it.
 */
export function askForToken(problem) {
  return new Promise((resolve) => {
    const input = h('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', required: true });
    const form = h('form', { method: 'dialog', onsubmit: (event) => {
      event.preventDefault();
      dialog.close(input.value.trim());
    } },
      h('h2', {}, 'Access token'), problem ? problemBox(problem) : null,
      field('Token', input, 'Kept in memory until this page is closed or reloaded; stored nowhere.'),
      h('div', { class: 'row' },
        h('button', { type: 'button', onclick: () => dialog.close('') }, 'Cancel'),
        h('button', { class: 'primary', type: 'submit' }, 'Use token')));
    const dialog = h('dialog', { 'aria-label': 'Access token', onclose: () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
