import { get, put, send, upload } from '../api.js';
import { fill, h } from '../dom.js';
import { dropZone } from '../files.js';
import { bytes, moment, plural } from '../format.js';
import { download } from '../download.js';
import { JobView } from '../jobs/view.js';
import { layersOf } from '../image/layers.js';
import { labelName, TaskLabels } from '../labels.js';
import { limited } from '../limited.js';
import { complain } from '../messages.js';
import { swatch } from '../swatch.js';
import { deleteTask, stateWord } from './list.js';
import { pairFiles } from './pairing.js';
import { supportForm } from './form.js';
import { thumbnail } from './thumbnail.js';
import { tileWords } from './tiles.js';

/** `#/tasks/{id}`: how it learns, what it learnt from, which versions there are. */
export async function showTask(root, { features, id }) {
  let job = null;
  const render = async () => {
    const task = await get(`/v1/tasks/${id}`);
    // Nobody would stop the job's events that are followed from a page that was left.
    if (!root.isConnected) return;
    const hadFocus = root.contains(document.activeElement);
    job?.stop();
    job = task.job ? new JobView(task.job, features, TaskLabels.of(task), () => render().catch(complain)) : null;
    fill(root, h('div', { class: 'page' },
      h('header', {}, h('h1', {}, task.name),
        h('a', { class: 'button primary', href: `#/segment?task=${task.id}` }, 'Segment'),
        h('a', { class: 'button', href: `#/batch?task=${task.id}` }, 'Batch'),
        h('button', { class: 'danger', onclick: () =>
          deleteTask(task).then((isGone) => isGone && (location.hash = '#/tasks')).catch(complain) }, 'Delete')),
      facts(task), job?.element, versions(task, features, render), support(task, features, render)));
    job?.start();
    if (hadFocus) document.getElementById('main').focus({ preventScroll: true });
  };
  await render();
  return () => job?.stop();
}

function facts(task) {
  const rows = [
    ['State', stateWord(task)],
    ['Answers come from', task.tier === 'adapted' ? `adapter version ${task.served_version}` : `the base model: ${task.tier_reason ?? 'there is no adapter'}`],
    ['Outlines', outlines(task)],
    ['Images', tileWords(tileSide(task))],
    ['Pixel spacing', task.spacing_mm ? `${task.spacing_mm.join(' × ')} mm` : 'unknown: areas and distances are in pixels'],
    ['Model', task.model?.served === false ? `${task.model.name ?? task.model.sha256} (not served: start the server with it)` : task.model?.name ?? '–'],
    ['Adapter', adapterWords(task)],
    ['Created', moment(task.created_at)],
    ['Id', h('span', { class: 'mono' }, task.id)],
  ];
  return h('section', { class: 'panel', 'aria-label': 'Task' },
    h('dl', { class: 'facts wide' }, rows.map(([term, value]) => [h('dt', {}, term), h('dd', {}, value)])));
}

/** The labels with their colours and, in label maps, their values. */
function outlines(task) {
  const { list, isMap } = TaskLabels.of(task);
  if (!isMap) return list[0].name ?? '–';
  return h('ul', { class: 'outlines' }, list.map((label) => h('li', {}, swatch(label.colour), `${labelName(label)} (${label.value})`)));
}

function adapterWords(task) {
  const { kind, rank } = task.adapter ?? {};
  const members = shownCard(task)?.members;
  return [kind === 'auto' ? 'kind chosen by the job' : kind ?? '–', rank ? `rank ${rank}` : '', members ? `mean of ${members}` : '']
    .filter(Boolean).join(', ');
}

const tileSide = (task) => shownCard(task)?.tile_side ?? null;

/** Of the version that answers, or of the last one. */
function shownCard({ versions, served_version: served }) {
  return (versions?.find(({ version }) => version === served) ?? versions?.at(-1))?.card;
}

function versions(task, features, reload) {
  if (!task.versions?.length) return null;
  const save = async (version) => {
    const file = await send('GET', `/v1/tasks/${task.id}/adapter?version=${version}`);
    download(`${task.id}-v${version}.safetensors`, await file.blob());
  };
  return h('section', { class: 'panel scroll', 'aria-label': 'Adapter versions' }, h('h2', {}, 'Adapter versions'),
    h('table', {},
      h('thead', {}, h('tr', {}, ['Version', 'Served', 'Learnt from', 'Size', 'Created', 'Actions'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, task.versions.map((version) => h('tr', {},
        h('td', {}, `v${version.version}`), h('td', {}, version.served ? 'yes' : 'no'),
        h('td', {}, version.card?.support_count ? plural(version.card.support_count, 'example') : '–'),
        h('td', {}, bytes(version.bytes)), h('td', { class: 'quiet' }, moment(version.created_at)),
        h('td', {}, h('div', { class: 'row tight' },
          h('button', { 'aria-label': `Download version ${version.version}`, onclick: () => save(version.version).catch(complain) }, 'Download'),
          features.rollback && !version.served ? h('button', { 'aria-label': `Serve version ${version.version}`, onclick: () =>
            put(`/v1/tasks/${task.id}/served_version`, { version: version.version }).then(reload).catch(complain) }, 'Serve this one') : null)))))));
}

function support(task, features, reload) {
  const examples = task.support ?? [];
  return h('section', { class: 'panel', 'aria-label': 'Examples' }, h('h2', {}, `${plural(examples.length, 'example')}`),
    h('ul', { class: 'examples' }, examples.map((example) => h('li', {},
      features.supportFiles ? supportThumbnail(task, example.stem) : null,
      h('span', { class: 'small' }, example.stem), h('span', { class: 'small quiet' }, `${example.width} × ${example.height}`)))),
    features.moreSupport ? addSupport(task, reload) : null);
}

function supportThumbnail(task, stem) {
  const address = `/v1/tasks/${task.id}/support/${encodeURIComponent(stem)}`;
  const place = h('div', { class: 'thumbnail' });
  Promise.all(['image', 'mask'].map(async (kind) => (await send('GET', `${address}/${kind}`)).blob()))
    .then(([image, mask]) => limited(async () => thumbnail(image, await layersOf(mask, TaskLabels.of(task)), stem)))
    .then((canvas) => fill(place, canvas))
    .catch(() => fill(place, h('span', { class: 'small quiet' }, 'no picture')));
  return place;
}

/** More examples train the next version, which starts from the present one. */
function addSupport(task, reload) {
  const progress = h('progress', { max: '1', value: '0', hidden: true, 'aria-label': 'Upload' });
  const add = async (found) => {
    const { pairs, images, masks } = await pairFiles(found);
    if (pairs.length === 0 || images.length + masks.length > 0) {
      const lonely = [...images, ...masks].map(({ path }) => path).join(', ');
      throw Object.assign(new Error(`These files have no partner: ${lonely || 'none was found'}. An image and its mask have the same name; where others have it too, the folders must tell.`));
    }
    progress.hidden = false;
    try {
      await upload(`/v1/tasks/${task.id}/support`, supportForm(pairs.map(({ image, mask, stem }) => ({ stem, image: image.file, mask: mask.file }))),
        { onProgress: (share) => (progress.value = share) });
    } finally {
      progress.hidden = true;
    }
    await reload();
  };
  return h('div', {}, h('h3', {}, 'Add examples'),
    dropZone({ text: 'Drop images and their masks: the next version starts from the present one.', isMany: true, isFolder: true },
      (found) => add(found).catch(complain)), progress);
}
