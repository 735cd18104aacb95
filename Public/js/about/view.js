import { get, hasToken, setToken } from '../api.js';
import { fill, h } from '../dom.js';
import { bytes, integer } from '../format.js';
import { forgetEverything } from '../keep.js';
import { announce, complain } from '../messages.js';
import { IMAGE_LISTS, ownImages, putAway } from '../stored-images.js';
import { askForToken } from '../token.js';

/** `#/about`: what runs here, how it is, who one is to it, and the keys. */
export async function showAbout(root, { features }) {
  const [models, ready, who] = await Promise.all([
    get('/v1/models').then((answer) => answer.models), get('/readyz').catch((problem) => ({ problem })),
    features.whoami ? get('/v1/whoami').catch(() => null) : null,
  ]);
  fill(root, h('div', { class: 'page about' },
    h('header', {}, h('h1', {}, 'About this server')),
    h('section', { class: 'panel', 'aria-label': 'Server' }, h('h2', {}, 'Server'), server(ready)),
    h('section', { class: 'panel', 'aria-label': 'Models' }, h('h2', {}, 'Models'), models.map(model)),
    access(who, () => showAbout(root, { features }).catch(complain)),
    privacy(features), keys(), licences()));
}

function server(ready) {
  if (ready.problem) return h('p', { class: 'bad' }, ready.problem.message, ' ', ready.problem.hint ?? '');
  const jobs = Object.entries(ready.jobs ?? {}).map(([state, count]) => `${count} ${state}`).join(', ');
  const cache = ready.embedding_cache ?? {};
  return list([
    ['Version', ready.version], ['State', ready.status], ['Tasks', integer(ready.tasks)], ['Images', integer(ready.images)],
    ['Jobs', jobs || '–'], ['Free on disk', bytes(ready.free_bytes)],
    ['Embedding cache', Object.entries(cache).map(([name, value]) => `${name.replaceAll('_', ' ')} ${name.includes('bytes') ? bytes(value) : integer(value)}`).join(', ') || '–'],
    ['Interface', h('a', { href: '/openapi.yaml' }, 'openapi.yaml')],
  ]);
}

function model({ name, sha256, precision, parameters, image_size: side, patch_size: patch, width, depth, preprocessing, card, default: isDefault }) {
  return h('div', { class: 'model' }, h('h3', {}, name, isDefault ? ' (default)' : ''), list([
    ['Precision', precision], ['Parameters', integer(parameters)],
    ['Encoder', `${depth} blocks of width ${width}, input ${side} × ${side}, patches of ${patch}`],
    ['Preprocessing', preprocessing], ['SHA-256', h('span', { class: 'mono' }, sha256)],
    ...cardRows(card),
  ]));
}

/** What the model's file says about itself. */
function cardRows(card) {
  if (card === null || typeof card !== 'object') return [];
  const capital = (text) => text[0].toUpperCase() + text.slice(1).replaceAll('_', ' ');
  return Object.entries(card).filter(([term, value]) => term !== 'name' && typeof value !== 'object')
    .map(([term, value]) => [capital(term), String(value)]);
}

function access(who, reload) {
  const needsToken = who !== null && who.owner !== null;
  const rows = who ? [
    ['Owner', who.owner ?? 'nobody: this server asks for no token'], ['May', who.scopes?.join(', ') || '–'],
    ...(who.expires_at ? [['Until', who.expires_at]] : []),
  ] : [['Token', hasToken() ? 'in use, in memory only' : 'none in use']];
  return h('section', { class: 'panel', 'aria-label': 'Access' }, h('h2', {}, 'Access'), list(rows),
    h('div', { class: 'row' },
      h('button', { onclick: async () => {
        const token = await askForToken(null);
        if (token !== null) {
          setToken(token);
          reload();
        }
      } }, needsToken || hasToken() ? 'Use another token' : 'Enter a token'),
      hasToken() ? h('button', { onclick: () => {
        setToken(null);
        reload();
      } }, 'Forget the token') : null));
}

function privacy(features) {
  return h('section', { class: 'panel', 'aria-label': 'This browser' }, h('h2', {}, 'This browser'),
    h('p', {}, 'Images and masks in hand are kept in this browser, so that a reload loses nothing. What a closed tab has left is removed when the ' +
      'page is opened twelve hours later or more. The page speaks to this server only.',
    features.imageDeletion ? ' Images are taken off the server when they are closed here, and by forgetting: those that this tab has sent there. ' +
      'A tab that is closed before leaves them on the server.' : null),
    h('button', { onclick: () => forgetAll(features).catch(complain) }, 'Forget all work in hand'));
}

async function forgetAll(features) {
  await forgetEverything(IMAGE_LISTS);
  announce('Forgotten');
  await putAway(ownImages(), features);
}

const KEYS = [
  ['Click', 'a point on the object'], ['Right click or Alt + click', 'a point beside it'], ['Drag', 'a box'],
  ['Wheel, + and −', 'zoom; 0 shows the whole image, 1 its pixels'], ['Middle button', 'pan'],
  ['Arrows, Enter', 'move the crosshair (Shift: by ten), set a point; Backspace: a point beside'], ['B', 'begin and end a box at the crosshair'],
  ['Ctrl + Z, Ctrl + Y', 'undo, redo'], ['A', 'alternatives, the next one'], ['L', 'the next label, where a task has several'], ['[ and ]', 'opacity'],
  ['P, W, H', 'tools: points, grey window, pan'],
];

function keys() {
  return h('section', { class: 'panel', 'aria-label': 'Keys' }, h('h2', {}, 'Keys, with the focus on the image'),
    h('dl', { class: 'facts' }, KEYS.map(([key, what]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, what)])));
}

function licences() {
  return h('section', { class: 'panel', 'aria-label': 'Licences' }, h('h2', {}, 'Licences'),
    h('p', {}, 'GMISeg: Apache-2.0. It stands on oneDNN (Apache-2.0), OpenSSL (Apache-2.0), libpng (libpng licence), ' +
      'libjpeg-turbo (BSD), zlib (zlib licence), SQLite (public domain), GRDB (MIT), and the Swift packages http-types, log and ' +
      'argument-parser (Apache-2.0). Segment Anything, whose design the model follows, is Apache-2.0.'),
    h('p', {}, 'The page loads nothing from elsewhere and contains no code of others.'));
}

const list = (rows) => h('dl', { class: 'facts' }, rows.filter(([, value]) => value !== undefined)
  .map(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]));
