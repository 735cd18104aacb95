import { get, upload } from '../api.js';
import { field, fill, h } from '../dom.js';
import { dropZone } from '../files.js';
import { bytes, duration, plural } from '../format.js';
import { LabelMap } from '../image/label-map.js';
import { layersOf } from '../image/layers.js';
import { Mask } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { limited } from '../limited.js';
import { clearComplaints, complain } from '../messages.js';
import { paintMask } from '../paint/painter.js';
import { setColour } from '../palette.js';
import { Draft } from './draft.js';
import { findingList } from './findings.js';
import { supportForm } from './form.js';
import { fillLabelFields } from './label-fields.js';
import { thumbnail } from './thumbnail.js';
import { tileSentence } from './tiles.js';

/** `#/tasks/new`: a name, images, masks; what the server thinks of them; go. */
export async function showEditor(root, { features }) {
  const { models } = await get('/v1/models');
  const editor = new Editor(root, features, models, await Draft.recall());
  await editor.draft.check();
  editor.build();
  return () => editor.close();
}

const CHECK_DELAY = 500;
const TILES = [['', 'as suits the masks'], ['off', 'whole'], ...[96, 128, 192, 256, 384, 512].map((side) => [String(side), `in tiles of ${side} px`])];
const ENSEMBLE = [['', 'one adapter, trained on all images'], ['mean', 'the mean of several, each trained without a part of them']];

class Editor {
  constructor(root, features, models, draft) {
    Object.assign(this, { root, features, models, draft });
    this.report = null;
    this.abort = null;
    /** Counts how often the cards were made: pictures of earlier ones are not drawn any more. */
    this.round = 0;
  }

  build() {
    this.cards = h('ul', { class: 'cards', 'aria-label': 'Examples' });
    this.orphans = h('div');
    this.summary = h('div', { class: 'grow' });
    this.progress = h('progress', { max: '1', value: '0', hidden: true, 'aria-label': 'Upload' });
    this.create = h('button', { class: 'primary', onclick: () => this.submit().catch(complain) }, 'Create and adapt');
    fill(this.root, h('div', { class: 'page' },
      h('header', {}, h('h1', {}, 'New task')),
      h('div', { class: 'editor' },
        this.form(),
        h('div', { class: 'examplespane' },
          dropZone({
            text: 'Drop images and masks here, or a folder with images/ and masks/. They pair up by name: case01.png with case01_mask.png.',
            isMany: true, isFolder: true,
          }, (found) => this.add(found).catch(complain)),
          this.orphans, this.cards)),
      h('div', { class: 'panel row submit' }, this.summary, this.progress, this.create)));
    this.refresh();
  }

  form() {
    const { settings } = this.draft;
    const text = (name, attributes = {}) => h('input', { type: 'text', value: settings[name], ...attributes, oninput: (event) => {
      settings[name] = event.target.value;
      this.changed();
    } });
    const spacing = [0, 1].map((axis) => h('input', {
      type: 'number', min: '0.000001', max: '1000', step: 'any', value: settings.spacing[axis], 'aria-label': `Pixel spacing in ${'xy'[axis]}, millimetres`,
      placeholder: 'xy'[axis], oninput: (event) => {
        settings.spacing[axis] = event.target.value;
        this.changed();
      },
    }));
    const model = h('select', { onchange: () => {
      settings.model = model.value;
      this.changed();
    } }, this.models.map(({ name, default: isDefault }) => h('option', { value: isDefault ? '' : name }, name)));
    model.value = settings.model;
    this.labelPlace = h('div', { class: 'field' });
    this.tiles = h('select', { onchange: () => {
      settings.tiles = this.tiles.value;
      this.changed();
    } }, TILES.map(([value, caption]) => h('option', { value }, caption)));
    this.tiles.value = settings.tiles;
    const ensemble = h('select', { onchange: () => {
      settings.ensemble = ensemble.value;
      this.changed();
    } }, ENSEMBLE.map(([value, caption]) => h('option', { value }, caption)));
    ensemble.value = settings.ensemble ?? '';
    return h('section', { class: 'panel form', 'aria-label': 'Settings' },
      field('Name', text('name', { required: true, maxlength: '200', placeholder: 'Left ventricle, short axis' })),
      this.labelPlace,
      h('div', { class: 'field' }, h('span', {}, 'Pixel spacing in mm (x, y), if known'), h('div', { class: 'row tight nowrap' }, spacing)),
      this.models.length > 1 ? field('Model', model) : null,
      h('details', {}, h('summary', {}, 'For those who know'),
        field('Steps', text('steps', { type: 'number', min: '1', max: '10000', placeholder: 'automatic' })),
        field('Seed', text('seed', { type: 'number', min: '0', placeholder: '0' })),
        field('Images are seen', this.tiles, 'Tiles are for thin objects such as vessels. Label maps are always seen whole.'),
        this.features.gateMargin
          ? field('Gain in held-out Dice to serve the adapter', text('gateMargin', { type: 'number', min: '-1', max: '1', step: 'any', placeholder: '0' }),
            'At −1 it is served whatever the held-out images say.') : null,
        this.features.ensemble
          ? field('What answers', ensemble, 'The mean varies less from one support set to the next; its job takes longer.') : null));
  }

  async add(found) {
    await this.draft.add(found);
    this.examplesChanged();
  }

  /** The examples are others now: keeps them, shows them, has them checked. */
  examplesChanged() {
    this.draft.saveExamples().catch(complain);
    this.changed();
    this.refresh();
  }

  /** What the masks outline has changed: other labels, or another way of reading the masks. */
  async labelsChanged(change) {
    await change();
    await this.draft.check();
    this.examplesChanged();
  }

  /** Only when there are others: whoever types must not lose the place. */
  refreshLabels() {
    const { labels } = this.draft;
    const shape = JSON.stringify([labels.isMap, labels.entries.map(({ value }) => value), [...labels.found]]);
    if (shape === this.labelShape) return;
    this.labelShape = shape;
    const change = (run) => this.labelsChanged(run).catch(complain);
    fillLabelFields(this.labelPlace, labels, {
      renamed: () => this.changed(),
      recoloured: () => {
        this.draft.saveSettings();
        this.refresh();
      },
      added: () => change(() => this.draft.addLabel()),
      removed: (value) => change(() => labels.remove(value)),
      kindChosen: (kind) => change(() => (labels.kind = kind)),
    });
    this.tiles.disabled = labels.isMap;
  }

  /** Keeps the settings, and has the server look at the draft when nothing has changed for a while. */
  changed() {
    this.draft.saveSettings();
    this.refreshSummary();
    clearTimeout(this.timer);
    if (this.features.dryRun) this.timer = setTimeout(() => this.check(), CHECK_DELAY);
  }

  async check() {
    this.abort?.abort();
    const { draft } = this;
    if (draft.complete.length === 0) return;
    this.abort = new AbortController();
    const { signal } = this.abort;
    const rows = draft.complete;
    try {
      const report = await this.dryRun(rows, signal);
      if (signal.aborted) return;
      this.report = { ...report, rows };
      this.refusal = null;
    } catch (error) {
      if (signal.aborted) return;
      this.report = null;
      this.refusal = error;
    }
    this.refresh();
  }

  dryRun(rows, signal) {
    const request = { ...this.draft.request };
    request.name ||= 'untitled';
    return upload('/v1/tasks?dry_run=true', supportForm(rows, request), { signal });
  }

  /** What the check found about one row: by the file's name, or by the number in the field. */
  findings(row) {
    if (!this.report) return [];
    const index = this.report.rows.indexOf(row);
    return (this.report.findings ?? []).filter(({ file, field: where }) => {
      if (file) return file.replace(/\.[^.]*$/, '').split('/').pop() === row.stem;
      return index >= 0 && new RegExp(`^(image|mask)\\[${index}\\]`).test(where ?? '');
    });
  }

  refresh() {
    const { draft } = this;
    this.refreshLabels();
    const focused = document.activeElement?.dataset?.key;
    this.round += 1;
    fill(this.cards, draft.rows.map((row) => this.card(row)));
    fill(this.orphans, draft.orphans.length === 0 ? null : h('div', { class: 'notice' },
      h('p', {}, `${plural(draft.orphans.length, 'mask')} without an image: ${draft.orphans.map(({ path }) => path).join(', ')}`),
      h('button', { onclick: () => {
        draft.orphans = [];
        this.examplesChanged();
      } }, 'Leave out')));
    if (focused) this.cards.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this.refreshSummary();
  }

  refreshSummary() {
    const { draft } = this;
    const missing = draft.rows.filter(({ mask }) => mask === null).length;
    const wrong = draft.rows.filter(({ problem }) => problem !== null).length;
    const general = (this.report?.findings ?? []).filter((finding) => !draft.rows.some((row) => this.findings(row).includes(finding)));
    const errors = (this.report?.findings ?? []).filter(({ severity }) => severity === 'error').length;
    const words = [plural(draft.complete.length, 'example')];
    if (missing > 0) words.push(`${missing} without a mask`);
    if (wrong > 0) words.push(`${wrong} to be mended`);
    if (draft.rows.length > 0 && draft.rows.length < 4) words.push('four or more work better');
    const estimate = this.report?.estimate;
    fill(this.summary, h('div', {}, words.join(' · ')),
      estimate ? h('div', { class: 'quiet estimate' }, `About ${duration(estimate.seconds)}`,
        estimate.memory_bytes ? `, ${bytes(estimate.memory_bytes)} of memory` : '', estimate.note ? ` (${estimate.note})` : '',
        estimate.tiles === undefined ? '' : `. ${tileSentence(estimate.tiles?.side ?? null, estimate.tiles?.count)}`) : null,
      general.length > 0 ? findingList(general) : null,
      this.refusal ? h('p', { class: 'bad' }, this.refusal.message, this.refusal.hint ? ` ${this.refusal.hint}` : '') : null);
    this.create.disabled = !draft.isComplete || draft.settings.name.trim() === '' || errors > 0 || this.isSending === true;
    this.create.title = draft.settings.name.trim() === '' ? 'The task needs a name' : '';
  }

  card(row) {
    const place = h('div', { class: 'thumbnail' });
    const { round } = this;
    limited(() => (round === this.round ? this.picture(row) : null))
      .then((canvas) => fill(place, canvas), () => fill(place, h('span', { class: 'quiet small' }, 'no picture')));
    const chooser = h('input', { type: 'file', hidden: true, 'aria-label': `Mask file of ${row.stem}`, onchange: () => this.setMask(row, chooser.files[0], false) });
    return h('li', { class: 'card', dataset: { stem: row.stem } }, place,
      h('div', { class: 'cardtext' },
        h('strong', {}, row.stem),
        h('span', { class: row.mask ? 'quiet small' : 'warn small' }, row.mask ? (row.isDrawn ? 'mask drawn here' : row.mask.name) : 'no mask yet'),
        row.problem ? h('p', { class: 'bad small' }, row.problem) : null,
        findingList(this.findings(row), { isBesideFile: true }),
        h('div', { class: 'row tight' },
          h('button', { dataset: { key: `draw ${row.stem}` }, 'aria-label': `${row.mask ? 'Edit' : 'Draw'} the mask of ${row.stem}`,
            onclick: () => this.draw(row).catch(complain) }, row.mask ? 'Edit mask' : 'Draw mask'),
          row.mask ? null : h('button', { dataset: { key: `choose ${row.stem}` }, 'aria-label': `Choose the mask of ${row.stem}`, onclick: () => chooser.click() }, 'Choose'),
          chooser,
          h('button', { class: 'plain', dataset: { key: `remove ${row.stem}` }, 'aria-label': `Remove ${row.stem}`, onclick: () => {
            this.draft.rows = this.draft.rows.filter((other) => other !== row);
            this.examplesChanged();
          } }, 'Remove'))));
  }

  /** The small picture of a row: without its mask where the two do not fit. */
  async picture({ image, mask, stem }) {
    try {
      return await thumbnail(image, mask ? await layersOf(mask, this.draft.labels.labels) : [], stem);
    } catch {
      return thumbnail(image, [], stem);
    }
  }

  async draw(row) {
    const picture = await Picture.read(row.image);
    const { labels } = this.draft.labels;
    const start = row.mask ? await readStart(row.mask, labels).catch(() => null) : null;
    const isFitting = start && start.width === picture.width && start.height === picture.height;
    const map = await paintMask(picture, row.image, row.stem, labels.list, isFitting ? start : null, this.features);
    if (map === null) return;
    const png = await (labels.isMap ? map : map.foreground).toPNG();
    await this.setMask(row, new File([png], `${row.stem}.png`, { type: 'image/png' }), true);
  }

  async setMask(row, file, isDrawn) {
    Object.assign(row, { mask: file, isDrawn });
    await this.draft.check();
    this.examplesChanged();
  }

  async submit() {
    clearComplaints();
    clearTimeout(this.timer);
    this.abort?.abort();
    this.isSending = true;
    this.progress.hidden = false;
    this.refreshSummary();
    try {
      const { task } = await upload('/v1/tasks', supportForm(this.draft.rows, this.draft.request), { onProgress: (share) => (this.progress.value = share) });
      this.draft.labels.labels.list.forEach(({ colour }, index) => setColour(task.id, index, colour));
      await Draft.forget();
      // Whoever has gone on meanwhile is not called back.
      if (this.root.isConnected) location.hash = `#/tasks/${task.id}`;
    } finally {
      this.isSending = false;
      this.progress.hidden = true;
      this.refreshSummary();
    }
  }

  close() {
    this.round += 1;
    clearTimeout(this.timer);
    this.abort?.abort();
  }
}

/** What is painted on: the labels of a file, all of it as the one label where masks are black and white. */
async function readStart(file, labels) {
  return labels.isMap ? LabelMap.read(file) : LabelMap.ofMask(await Mask.read(file), labels.list[0].value);
}
