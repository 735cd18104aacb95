import { remove } from '../api.js';
import { fill, h } from '../dom.js';
import { moment, percent } from '../format.js';
import { labelName, TaskLabels } from '../labels.js';
import { complain, confirmAction } from '../messages.js';
import { scoreRows } from '../jobs/plots.js';
import { swatch } from '../swatch.js';
import { allTasks } from './all.js';

const TASK_STATES = { queued: 'Waiting', adapting: 'Learning', ready: 'Ready', failed: 'Failed', cancelled: 'Cancelled' };

/** `#/tasks`: what this server has been taught. */
export async function showTasks(root) {
  let timer = null;
  let shown = null;
  const show = async () => {
    clearTimeout(timer);
    const tasks = await allTasks();
    if (!root.isConnected) return;
    const text = JSON.stringify(tasks);
    if (text !== shown) keepFocus(root, () => render(root, tasks, show));
    shown = text;
    const isMoving = tasks.some(({ state }) => state === 'queued' || state === 'adapting');
    if (isMoving) timer = setTimeout(look, 2000);
  };
  /** A server that is away for a moment is asked again. */
  const look = () => show().catch((error) => {
    complain(error);
    if (root.isConnected) timer = setTimeout(look, 5000);
  });
  await show();
  return () => clearTimeout(timer);
}

function render(root, tasks, reload) {
  fill(root, h('div', { class: 'page' },
    h('header', {}, h('h1', {}, 'Tasks'), h('a', { class: 'button primary', href: '#/tasks/new' }, 'New task')),
    tasks.length === 0 ? welcome() : h('div', { class: 'panel scroll' }, table(tasks, reload))));
}

/** Rebuilds, and gives the focus back to the control of the same name. */
function keepFocus(root, rebuild) {
  const name = ({ ariaLabel, textContent }) => ariaLabel ?? textContent;
  const focused = root.contains(document.activeElement) ? name(document.activeElement) : null;
  rebuild();
  if (focused !== null) [...root.querySelectorAll('a, button')].find((element) => name(element) === focused)?.focus();
}

function welcome() {
  return h('section', { class: 'panel welcome' },
    h('h2', {}, 'Nothing is defined yet'),
    h('ol', {},
      h('li', {}, h('strong', {}, 'Define a task'), ' by a few images and masks of what you want to outline, four to sixteen. Masks can be drawn here.'),
      h('li', {}, h('strong', {}, 'Wait'), ' while the model adapts to them, usually for less than a minute or two.'),
      h('li', {}, h('strong', {}, 'Segment'), ' new images: with a click, a box, or nothing at all. Correct, measure, export.')),
    h('div', { class: 'row' },
      h('a', { class: 'button primary', href: '#/tasks/new' }, 'Define a task'),
      h('a', { class: 'button', href: '#/segment' }, 'Segment without a task')));
}

function table(tasks, reload) {
  const columns = ['Task', 'State', 'Answers come from', 'Dice, base → adapted', 'Examples', 'Created', ''];
  return h('table', { class: 'tasks' },
    h('thead', {}, h('tr', {}, columns.map((name) => h('th', { scope: 'col', class: name === 'Examples' ? 'number' : null }, name || h('span', { class: 'unseen' }, 'Actions'))))),
    h('tbody', {}, tasks.map((task) => h('tr', {},
      h('td', {}, h('a', { href: `#/tasks/${task.id}` }, task.name), labelLine(task)),
      h('td', {}, stateWord(task)),
      h('td', {}, task.tier === 'adapted' ? `Adapter v${task.served_version}` : 'Base model'),
      h('td', {}, shortScores(task)),
      h('td', { class: 'number' }, String(task.support_count ?? '–')),
      h('td', { class: 'quiet' }, moment(task.created_at)),
      h('td', {}, h('div', { class: 'row tight actions' },
        h('a', { class: 'button', href: `#/segment?task=${task.id}`, 'aria-label': `Segment with ${task.name}` }, 'Segment'),
        h('a', { class: 'button', href: `#/batch?task=${task.id}`, 'aria-label': `Batch with ${task.name}` }, 'Batch'),
        h('button', { class: 'danger', 'aria-label': `Delete ${task.name}`, onclick: () => deleteTask(task).then((done) => done && reload()).catch(complain) }, 'Delete')))))));
}

/** The labels of a task of label maps, with their colours. */
function labelLine(task) {
  const labels = TaskLabels.of(task);
  if (!labels.isMap) return null;
  return h('div', { class: 'labelline small quiet' }, labels.list.map((label) => h('span', {}, swatch(label.colour), labelName(label))));
}

export function stateWord(task) {
  const kind = { ready: 'good', failed: 'bad' }[task.state] ?? 'quiet';
  return h('span', { class: kind }, TASK_STATES[task.state] ?? task.state);
}

function shortScores(task) {
  const scores = task.held_out ? scoreRows({ held_out: task.held_out }) : null;
  if (!scores || scores.rows.length === 0) return h('span', { class: 'quiet' }, '–');
  return scores.rows.map(({ name, base, adapted }) => h('div', { class: 'quiet small' },
    `${name}: ${percent(base?.mean, 0)} → ${percent(adapted?.mean, 0)}`));
}

/** Asks, then deletes; resolves to whether it is gone. */
export async function deleteTask(task) {
  const isSure = await confirmAction('Delete this task?',
    `"${task.name}" goes with its ${task.support_count ?? ''} images and masks, its jobs and its adapters. This cannot be undone.`, 'Delete');
  if (isSure) await remove(`/v1/tasks/${task.id}`);
  return isSure;
}
