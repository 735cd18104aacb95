import { onUnauthorised } from './api.js';
import { fill, h } from './dom.js';
import { readFeatures } from './features.js';
import { watchHealth } from './health.js';
import { forgetClosedTabs } from './keep.js';
import { problemBox } from './messages.js';
import { deleteUnwanted } from './stored-images.js';
import { startTheme } from './theme.js';
import { askForToken } from './token.js';
import { showAbout } from './about/view.js';
import { batchItem, showBatch } from './batch/view.js';
import { showSegment } from './segment/view.js';
import { showEditor } from './tasks/editor.js';
import { showTask } from './tasks/page.js';
import { showTasks } from './tasks/list.js';

/** Addresses after `#`, and who shows them. Each is `(root, {features, query, id}) → Promise<dispose>`. */
const ROUTES = [
  [/^\/?$/, 'Tasks', showTasks],
  [/^\/tasks$/, 'Tasks', showTasks],
  [/^\/tasks\/new$/, 'New task', showEditor],
  [/^\/tasks\/(task_[0-9a-z]+)$/, 'Task', showTask],
  [/^\/segment$/, 'Segment', showSegment],
  [/^\/batch$/, 'Batch', showBatch],
  [/^\/batch\/item$/, 'Correct', (root, context) => showSegment(root, { ...context, batch: batchItem(context) })],
  [/^\/about$/, 'About', showAbout],
];

const main = document.getElementById('main');
let features = null;
let dispose = null;
let visit = 0;

async function show() {
  visit += 1;
  const number = visit;
  dispose?.();
  dispose = null;
  const [path, search = ''] = location.hash.replace(/^#/, '').split('?');
  const route = ROUTES.find(([pattern]) => pattern.test(path)) ?? ROUTES[0];
  const [pattern, title, view] = route;
  document.title = `${title} · GMISeg`;
  for (const link of document.querySelectorAll('header nav a')) {
    const isHere = path === link.hash.slice(1) || path.startsWith(`${link.hash.slice(1)}/`) || (path === '' && link.hash === '#/tasks');
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const root = h('div', { class: 'view' });
  fill(main, root);
  features ??= await readFeatures();
  try {
    const ended = await view(root, { features, query: new URLSearchParams(search), id: pattern.exec(path)?.[1] });
    // Whoever has gone on meanwhile does not see this view any more.
    if (number === visit) dispose = ended;
    else ended?.();
  } catch (error) {
    if (number === visit) fill(root, h('div', { class: 'page' }, problemBox(error), h('p', {}, h('a', { href: '#/tasks' }, 'To the tasks'))));
  }
}

document.querySelector('[data-skip]').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
// A file that misses its place must not replace the page.
for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => event.preventDefault());
addEventListener('hashchange', () => {
  show();
  main.focus({ preventScroll: true });
});

startTheme();
onUnauthorised(askForToken);
await forgetClosedTabs().catch(() => {});
watchHealth();
await show();
// What was put away before and could not be deleted then. Nobody waits for that.
if (features.imageDeletion) deleteUnwanted().catch((error) => console.warn('not deleted from the server yet:', error));
