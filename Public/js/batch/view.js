import { get, Problem, upload } from '../api.js';
import { download } from '../download.js';
import { field, fill, h } from '../dom.js';
import { dropZone, pictures } from '../files.js';
import { integer, percent, plural } from '../format.js';
import { layersOf } from '../image/layers.js';
import { base64OfBytes, bytesOfBase64 } from '../image/mask.js';
import { JobView } from '../jobs/view.js';
import { labelName, TaskLabels } from '../labels.js';
import { limited } from '../limited.js';
import { announce, complain } from '../messages.js';
import { putAway } from '../stored-images.js';
import { swatch } from '../swatch.js';
import { allTasks, missingTask } from '../tasks/all.js';
import { supportForm } from '../tasks/form.js';
import { fresh } from '../tasks/pairing.js';
import { thumbnail } from '../tasks/thumbnail.js';
import { Batch, labelRows, pngOf, uncertaintyOf } from './batch.js';
import { keepPolicy, POLICIES, policyOf } from './policy.js';

/** `#/batch`: a folder of images, all segmented, the doubtful first. */
export async function showBatch(root, { features, query }) {
  const tasks = await allTasks();
  const batch = await Batch.open();
  const asked = query.get('task');
  // Answers in hand are shown with the task that gave them, whatever the address says: another answers anew when it is chosen.
  const isAnswered = batch.done.length > 0;
  const wanted = isAnswered ? batch.task : asked ?? batch.task ?? tasks.find(({ tier }) => tier === 'adapted')?.id ?? null;
  batch.task = tasks.some(({ id }) => id === wanted) ? wanted : null;
  if (wanted && batch.task === null) complain(missingTask(wanted));
  const other = batch.task === wanted && asked !== wanted ? tasks.find(({ id }) => id === asked) : undefined;
  const view = new BatchView(root, features, tasks, batch, other);
  view.build();
  return () => view.close();
}

/** What the segment view needs to correct one image of the batch. */
export function batchItem({ query }) {
  const number = Number(query.get('item'));
  let batch = null;
  return {
    async item() {
      batch = await Batch.recall();
      const found = batch.items.find((item) => item.number === number);
      return found && { ...found, prompts: found.correction?.prompts ?? kept(found.prompts) };
    },
    /** `png` are bytes; the rest is as a `correction` has it. */
    async correct({ png, ...correction }) {
      const item = batch.items.find((other) => other.number === number);
      item.correction = { png: base64OfBytes(png), ...correction };
      item.state = 'done';
      item.answer ??= correction.answer;
      await batch.keepItem(item);
    },
  };
}

/** Prompts of a request in the form in which the segment view keeps them. */
function kept(prompts) {
  if (!prompts?.points && !prompts?.boxes) return null;
  const label = prompts.label ?? null;
  return { label, pages: [[label, { points: prompts.points ?? [], box: prompts.boxes?.[0] ?? null, mask: null }]] };
}

class BatchView {
  /** @param other The task that the address asked for, where what is in hand is of another. */
  constructor(root, features, tasks, batch, other) {
    Object.assign(this, { root, features, tasks, batch, other, isRunning: false, job: null });
    this.policy = policyOf(batch.task);
  }

  build() {
    this.taskSelect = h('select', { onchange: () => this.chooseTask(this.taskSelect.value || null) },
      h('option', { value: '' }, 'No task: the base model'), this.tasks.map(({ id, name }) => h('option', { value: id }, name)));
    this.taskSelect.value = this.batch.task ?? '';
    this.policySelect = h('select', { onchange: () => {
      this.policy.kind = this.policySelect.value;
      this.policyChanged();
    } }, Object.entries(POLICIES).map(([kind, text]) => h('option', { value: kind }, text)));
    this.box = ['left', 'top', 'right', 'bottom'].map((side, index) => h('input', {
      type: 'number', min: '0', max: '100', 'aria-label': `Box, ${side}, per cent`, onchange: (event) => {
        this.policy.box[index] = Number(event.target.value);
        this.policyChanged();
      },
    }));
    this.boxRow = h('div', { class: 'field' }, h('span', {}, 'Box in % of the image: left, top, right, bottom'), h('div', { class: 'row tight nowrap' }, this.box));
    this.labelSelect = h('select', { onchange: () => {
      this.policy.label = Number(this.labelSelect.value);
      this.policyChanged();
    } });
    this.labelRow = field('Label of the prompt', this.labelSelect);
    this.run = h('button', { class: 'primary', onclick: () => this.start().catch(complain) }, 'Segment all');
    this.retry = h('button', { onclick: () => this.start(true).catch(complain) });
    this.stop = h('button', { onclick: () => (this.batch.isStopped = true) }, 'Stop');
    this.progress = h('progress', { max: '1', value: '0', 'aria-label': 'Progress of the batch' });
    this.status = h('span', { class: 'quiet' });
    this.warning = h('span', { class: 'warn' });
    this.zip = h('button', { onclick: () => this.save() }, 'Download all (zip)');
    this.teach = h('button', { onclick: () => this.sendBack().catch(complain) });
    this.clear = h('button', { class: 'danger', onclick: () => this.clearAll().catch(complain) }, 'Clear');
    this.jobPlace = h('div');
    this.notice = h('p', { class: 'notice', role: 'status' });
    this.gallery = h('ul', { class: 'gallery', 'aria-label': 'Images, most uncertain first' });
    fill(this.root, h('div', { class: 'page' },
      h('header', {}, h('h1', {}, 'Batch')),
      h('div', { class: 'panel batchhead' },
        field('Task', this.taskSelect), field('Prompt for each image', this.policySelect), this.labelRow, this.boxRow,
        dropZone({ text: 'Drop a folder of images, or many files.', isMany: true, isFolder: true },
          (found) => this.add(found).catch(complain))),
      h('div', { class: 'panel row' }, this.run, this.retry, this.stop, this.progress, this.status, this.warning, h('span', { class: 'grow' }),
        this.teach, this.zip, this.clear),
      this.notice, this.jobPlace, this.gallery));
    this.policyChanged();
    this.refresh();
  }

  async add(found) {
    const taken = pictures(found);
    const others = found.length - taken.length;
    if (others > 0) {
      complain(new Problem({
        title: 'Not everything in the folder is an image', detail: `${plural(others, 'file')} of ${found.length} left out: neither PNG nor JPEG.`,
        hint: 'Export DICOM, NIfTI and TIFF to PNG first, 16 bit where the values matter.',
      }));
    }
    const added = this.batch.add(taken);
    this.refresh();
    try {
      await added;
    } finally {
      this.refresh();
    }
  }

  /** Puts all away: here, and on the server where images can be deleted and were not there before. */
  async clearAll() {
    const cleared = this.batch.clear();
    this.refresh();
    await putAway(await cleared, this.features);
  }

  async chooseTask(task) {
    this.other = undefined;
    this.policy = policyOf(task);
    // A reload begins with the task that was chosen last, not with the one that the page was opened with.
    history.replaceState(null, '', task ? `#/batch?task=${task}` : '#/batch');
    await this.batch.reset(task);
    this.policyChanged();
    this.refresh();
  }

  policyChanged() {
    if (this.batch.task === null && this.policy.kind === 'none') this.policy.kind = 'centre';
    // Nobody has told the base model what to look for.
    this.policySelect.querySelector('[value="none"]').disabled = this.batch.task === null;
    this.policySelect.value = this.policy.kind;
    this.box.forEach((input, index) => (input.value = String(this.policy.box[index])));
    this.boxRow.hidden = this.policy.kind !== 'box';
    const { labels } = this;
    fill(this.labelSelect, labels.list.map((label) => h('option', { value: String(label.value) }, labelName(label))));
    this.labelSelect.value = String((labels.find(this.policy.label) ?? labels.list[0]).value);
    this.labelRow.hidden = !labels.areSeveral || this.policy.kind === 'none';
    keepPolicy(this.batch.task, this.policy);
  }

  /** Of the task that is chosen. */
  get labels() {
    return this.labelsOf(this.batch.task);
  }

  labelsOf(task) {
    return TaskLabels.of(this.tasks.find(({ id }) => id === task));
  }

  /** @param {boolean} isRetry Only what failed, and what still waits. */
  async start(isRetry = false) {
    if (this.isRunning) return;
    this.isRunning = true;
    this.refresh();
    try {
      if (isRetry) await this.batch.requeue();
      else if (this.batch.items.every(({ state }) => state !== 'waiting')) await this.batch.reset(this.batch.task);
      await this.batch.run(this.policy, this.labels, this.features, () => this.root.isConnected && this.refresh());
    } finally {
      this.isRunning = false;
      if (this.root.isConnected) this.refresh();
      announce(`${plural(this.batch.done.length, 'image')} segmented. ${this.warning.textContent}`);
    }
  }

  save() {
    try {
      download('gmiseg-batch.zip', this.batch.archive(), 'application/zip');
    } catch (error) {
      complain(error);
    }
  }

  /** The corrected images become examples of the task; the next version starts from the present one. */
  async sendBack() {
    const { batch } = this;
    const items = batch.corrected;
    this.teach.disabled = true;
    try {
      const { support } = await get(`/v1/tasks/${batch.task}`);
      const taken = new Set(support.map(({ stem }) => stem));
      const examples = items.map(({ stem: own, file, correction }) => {
        const stem = fresh(own, taken);
        return { stem, image: file, mask: new File([bytesOfBase64(correction.png)], `${stem}.png`, { type: 'image/png' }) };
      });
      const { job } = await upload(`/v1/tasks/${batch.task}/support`, supportForm(examples));
      for (const item of items) {
        item.correction.isTaught = true;
        await batch.saveItem(item);
      }
      this.showJob(job);
    } finally {
      this.refresh();
    }
  }

  showJob(job) {
    this.job?.stop();
    this.job = new JobView(job.id, this.features, this.labels, () => this.refresh());
    fill(this.jobPlace, this.job.element);
    this.job.start();
  }

  refresh() {
    const { batch } = this;
    const { items } = batch;
    const finished = items.filter(({ state }) => state !== 'waiting').length;
    const waiting = items.length - finished;
    this.run.disabled = this.isRunning || items.length === 0;
    const failed = batch.failed.length;
    this.retry.hidden = this.isRunning || failed === 0;
    this.retry.textContent = `Try ${plural(failed, 'failed image')} again`;
    for (const input of [this.taskSelect, this.policySelect, this.labelSelect, ...this.box]) input.disabled = this.isRunning;
    this.run.textContent = waiting === 0 && items.length > 0 ? 'Segment all again' : 'Segment all';
    this.stop.hidden = !this.isRunning;
    this.progress.hidden = !this.isRunning;
    this.progress.value = items.length === 0 ? 0 : finished / items.length;
    this.status.textContent = items.length === 0 ? 'No images yet.' : `${finished} of ${plural(items.length, 'image')}`;
    const unkept = batch.unkept.size;
    const task = this.tasks.find(({ id }) => id === batch.task);
    this.notice.hidden = this.other === undefined || batch.done.length === 0;
    this.notice.textContent = this.notice.hidden ? '' : `These masks are of ${task ? `the task "${task.name}"` : 'the base model'}. ` +
      `Choose "${this.other.name}" above to segment the images anew, or clear them.`;
    this.warning.textContent = unkept === 0 ? '' : `${plural(unkept, 'image')} could not be kept in this browser and will be lost when you leave this view: download before.`;
    this.zip.disabled = batch.done.length === 0;
    this.clear.disabled = items.length === 0 || this.isRunning;
    const count = batch.corrected.length;
    this.teach.hidden = !this.features.moreSupport || batch.task === null;
    this.teach.disabled = count === 0 || this.isRunning;
    this.teach.textContent = `Teach the task ${plural(count, 'corrected image')}`;
    const focused = this.gallery.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    fill(this.gallery, batch.sorted.map((item) => this.card(item)));
    if (focused) this.gallery.querySelector(`[href="${focused}"]`)?.focus({ preventScroll: true });
  }

  card(item) {
    const { answer } = item;
    const shown = item.correction?.answer ?? answer;
    const uncertainty = uncertaintyOf(item);
    const place = h('div', { class: 'thumbnail' });
    this.picture(item).then((canvas) => fill(place, canvas), () => fill(place, h('span', { class: 'quiet small' }, 'no picture')));
    return h('li', { class: `tile ${item.state}`, dataset: { stem: item.stem, uncertainty: uncertainty ?? '' } }, place,
      h('strong', {}, item.name),
      item.problem ? [h('p', { class: 'bad small' }, item.problem.detail), h('p', { class: 'small' }, item.problem.hint ?? '')] : null,
      shown ? this.areas(item, uncertainty) : null,
      item.correction ? h('span', { class: 'small good' }, item.correction.isTaught ? 'corrected and taught' : 'corrected')
        : answer?.review?.needed ? h('span', { class: 'small warn' }, answer.review.reason ?? 'look at it') : null,
      item.state === 'waiting' ? h('span', { class: 'small quiet' }, 'waiting') : null,
      // The view that corrects has of the batch what was kept.
      item.state === 'done' && !this.batch.unkept.has(item)
        ? h('a', { class: 'button', href: `#/batch/item?item=${item.number}`, 'aria-label': `Correct ${item.name}` }, 'Correct') : null);
  }

  /** A line of areas, one for each label with its colour, and how doubtful all of it is. */
  areas(item, uncertainty) {
    const doubt = uncertainty === null ? null : `uncertainty ${percent(uncertainty, 0)}`;
    const rows = labelRows(item);
    const labels = this.labelsOf(item.task);
    if (!labels.areSeveral) return h('span', { class: 'small quiet' }, [`${integer(rows.reduce((sum, row) => sum + row.area_px, 0))} px`, doubt].filter(Boolean).join(' · '));
    return [
      h('ul', { class: 'tilelabels small' }, rows.map(({ label, value, area_px: pixels }) => h('li', {},
        swatch(labels.find(value)?.colour), h('span', { class: 'grow' }, label ?? String(value)), h('span', { class: 'quiet' }, `${integer(pixels)} px`)))),
      doubt ? h('span', { class: 'small quiet' }, doubt) : null,
    ];
  }

  /** The small picture of an item, made once for each of its masks. Numbers begin anew after `clear`, items do not. */
  picture(item) {
    this.pictures ??= new WeakMap();
    const png = pngOf(item);
    const known = this.pictures.get(item);
    if (known && known.png === png) return known.canvas;
    const canvas = limited(() => (this.isWanted(item) ? this.draw(item, png) : null));
    this.pictures.set(item, { png, canvas });
    return canvas;
  }

  /** Whether somebody still looks at it when its turn has come. */
  isWanted(item) {
    return this.root.isConnected && this.batch.items.includes(item);
  }

  async draw(item, png) {
    const mask = png && new Blob([bytesOfBase64(png)]);
    return thumbnail(item.file, mask ? await layersOf(mask, this.labelsOf(item.task)) : [], item.name, 168);
  }

  close() {
    this.batch.isStopped = true;
    this.job?.stop();
  }
}
