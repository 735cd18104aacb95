import { h } from '../dom.js';

const WORDS = { error: 'Error', warning: 'Warning', info: 'Note' };
const CLASSES = { error: 'bad', warning: 'warn', info: 'quiet' };

/** What the server's check of a support set found, as a list. */
export function findingList(findings) {
  return h('ul', { class: 'findings' }, findings.map(({ severity, message, hint, file }) => h('li', {},
    h('strong', { class: CLASSES[severity] ?? '' }, `${WORDS[severity] ?? severity}: `),
    file ? h('span', { class: 'quiet' }, `${file}: `) : null, message, hint ? h('span', { class: 'quiet' }, ` ${hint}`) : null)));
}
