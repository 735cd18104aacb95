import { h } from '../dom.js';
import { sentence } from '../format.js';

const WORDS = { error: 'Error', warning: 'Warning', info: 'Note' };
const CLASSES = { error: 'bad', warning: 'warn', info: 'quiet' };

/** What the server's check of a support set found, as a list; without the file's name where it stands beside the file. */
export function findingList(findings, { isBesideFile = false } = {}) {
  return h('ul', { class: 'findings' }, findings.map(({ severity, message, hint, file }) => h('li', {},
    h('strong', { class: CLASSES[severity] ?? '' }, `${WORDS[severity] ?? severity}: `),
    file && !isBesideFile ? h('span', { class: 'quiet' }, `${file}: `) : null, sentence(message),
    hint ? h('span', { class: 'quiet' }, ` ${sentence(hint)}`) : null)));
}
