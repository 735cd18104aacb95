import { call } from '../api.js';
import { bytesOfBase64 } from '../image/mask.js';
import { csv } from '../csv.js';
import { forget, forgetSmall, keep, recall } from '../keep.js';
import { putAway, storeImage } from '../stored-images.js';
import { fresh, stemOfPath } from '../tasks/pairing.js';
import { zip } from '../zip.js';
import { promptsOf } from './policy.js';

/** Too much at once: asked again after a while, where the server says when, and so often at most. */
const BUSY = [429, 503];
const MOST_TRIES = 10;
/** Says nothing about the image: nobody answers, nobody is let in, or there is no room. No other image would fare better. */
const STOPPING = [0, 401, 403, 507];

/** The batch of the view that was opened last: what another has under way then is not to write over it. */
let shown = null;

/**
 * The images of a batch and what came of them. Kept over a reload, each image under a name of its own.
 *
 * An item is `{number, name, stem, file, imageId, task, state: 'waiting'|'done'|'failed', prompts, answer, problem, correction}`;
 * `answer` is the server's, `correction` is `{png, prompts, answer, answers, candidate, area_px, areas, isTaught}` after clicks: the mask or
 * label map in base64, which of the answer's alternatives it is, its pixels, the labels' in it, `[{value, area_px, score}]`, where it is of several
 * answers, and whether the task has been taught it.
 */
export class Batch {
  constructor() {
    this.task = null;
    this.items = [];
    /** Items that the browser could not keep: whoever leaves the view loses them, or what came of them. */
    this.unkept = new Set();
    /** When all that was added is kept. */
    this.added = Promise.resolve();
    this.isStopped = false;
  }

  /** The batch that is kept, to be shown from now on. */
  static async open() {
    const before = shown;
    shown = new Batch();
    // What is read is all that was dropped into the view that was left.
    await before?.added.catch(() => {});
    return shown.read();
  }

  /** The same, to look at an item of it. */
  static recall() {
    return new Batch().read();
  }

  async read() {
    const kept = await recall('batch').catch(() => null);
    if (!kept) return this;
    this.task = kept.task;
    this.items = (await Promise.all(kept.numbers.map((number) => recall(`batch ${number}`)))).filter(Boolean);
    return this;
  }

  /** Without the list no item is found again. */
  async save() {
    const numbers = this.items.map(({ number }) => number);
    const isKept = await keep('batch', { task: this.task, numbers }).catch(withoutRoom);
    if (!isKept) this.unkept = new Set(this.items);
  }

  async saveItem(item) {
    const isKept = await this.keepItem(item).catch(withoutRoom);
    if (!isKept) this.unkept.add(item);
  }

  /** The same for what must not be lost: rejects where there is no room. */
  keepItem(item) {
    return keep(`batch ${item.number}`, item);
  }

  /** At once, so that what is dropped while these are being kept has numbers and names of its own; resolves when they are. */
  add(found) {
    const taken = new Set(this.items.map(({ stem }) => stem));
    let number = Math.max(-1, ...this.items.map((item) => item.number));
    const items = found.map(({ file, path }) => ({
      number: (number += 1), name: file.name, stem: fresh(stemOfPath(path), taken), file, task: this.task, state: 'waiting',
      prompts: null, answer: null, problem: null, correction: null,
    }));
    this.items.push(...items);
    this.added = Promise.all([this.added, this.keepAdded(items)]);
    return this.added;
  }

  async keepAdded(items) {
    await this.save();
    // But for what was put away meanwhile.
    for (const item of items) if (this.items.includes(item)) await this.saveItem(item);
  }

  /** Puts all away, here; resolves to the ids of the images, which are on the server still. */
  async clear() {
    const { items } = this;
    this.items = [];
    this.unkept.clear();
    forgetSmall('batch item');
    const names = ['batch', 'batch item file', 'batch item truth', ...items.map(({ number }) => `batch ${number}`)];
    // All at once: what is added from now on may have these names again.
    await Promise.all(names.map((name) => forget(name)));
    return items.map(({ imageId }) => imageId).filter(Boolean);
  }

  /** All that is not corrected is to be segmented anew; a correction stays with the task for which it was made. */
  async reset(task) {
    this.task = task;
    for (const item of this.items.filter(({ correction }) => correction === null)) {
      Object.assign(item, { task, state: 'waiting', answer: null, problem: null });
      await this.saveItem(item);
    }
    await this.save();
  }

  /**
   * Segments what waits, two images at a time, so that one is on its way while another is computed. Throws where the server answers
   * for no image: what is left then still waits.
   *
   * @param {TaskLabels} labels Of the task.
   * @param {(item) => void} onItem Called for each image that is done or has failed.
   */
  async run(policy, labels, features, onItem) {
    this.isStopped = false;
    const { task } = this;
    const waiting = this.items.filter(({ state }) => state === 'waiting');
    const worker = async () => {
      while (waiting.length > 0 && !this.isStopped) {
        const item = waiting.shift();
        await this.segment(item, task, policy, labels, features);
        if (shown === this) await this.saveItem(item);
        else await this.putAwayLate(item, features);
        onItem(item);
      }
    };
    const ends = await Promise.allSettled([worker(), worker()]);
    const broken = ends.find(({ status }) => status === 'rejected');
    if (broken) throw broken.reason;
  }

  /** Whoever shows the batch now knows nothing of what came of the item; where they have put it away, its image goes as well. */
  async putAwayLate(item, features) {
    const kept = await recall(`batch ${item.number}`).catch(() => null);
    if (!kept && item.imageId) await putAway([item.imageId], features);
  }

  async segment(item, task, policy, labels, features, tries = 1) {
    item.task = task;
    try {
      const { id, width, height } = await storeImage(item.file, item.name);
      item.imageId = id;
      item.prompts = promptsOf(policy, width, height, labels);
      const body = { image_id: id, prompts: item.prompts };
      if (features.uncertainty) body.uncertainty = true;
      const address = task ? `/v1/tasks/${task}/segment` : '/v1/segment';
      item.answer = slim(await call('POST', address, body));
      item.state = 'done';
      item.problem = null;
    } catch (error) {
      if (BUSY.includes(error.status) && error.retryAfter !== null && tries < MOST_TRIES) {
        return this.again(error.retryAfter, item, task, policy, labels, features, tries + 1);
      }
      if (STOPPING.includes(error.status) || BUSY.includes(error.status)) {
        this.isStopped = true;
        throw error;
      }
      item.state = 'failed';
      item.problem = { title: error.title ?? 'Failed', detail: error.message, hint: error.hint ?? null };
    }
  }

  /** Tries an image once more after some seconds, unless the batch is stopped meanwhile. */
  async again(seconds, ...request) {
    for (const end = Date.now() + 1000 * seconds; Date.now() < end && !this.isStopped;) await new Promise((resolve) => setTimeout(resolve, 200));
    if (!this.isStopped) await this.segment(...request);
  }

  /** What failed waits again. */
  async requeue() {
    for (const item of this.failed) {
      Object.assign(item, { state: 'waiting', problem: null });
      await this.saveItem(item);
    }
  }

  /** The worst first; what failed before all, what a person has corrected after all. */
  get sorted() {
    return [...this.items].sort((a, b) => rank(b) - rank(a) || a.number - b.number);
  }

  get done() { return this.items.filter(({ answer }) => answer !== null); }
  get failed() { return this.items.filter(({ state }) => state === 'failed'); }
  /** What the task that is chosen can be taught, and has not been yet. */
  get corrected() { return this.items.filter(({ correction, task }) => correction !== null && !correction.isTaught && task === this.task); }

  /** All masks or label maps, a table with a row for each label of each image, and the answers with their receipts. */
  archive() {
    const head = ['image', 'mask', 'task', 'label', 'label_value', 'corrected', 'tier', 'adapter_version', 'score', 'uncertainty', 'area_px',
      'area_mm2', 'receipt_sha256'];
    const files = [];
    const rows = [head];
    for (const item of [...this.done].sort((a, b) => a.number - b.number)) {
      const answer = item.correction?.answer ?? item.answer;
      const mask = `masks/${item.stem}.png`;
      files.push({ name: mask, bytes: bytesOfBase64(pngOf(item)) });
      const text = `${JSON.stringify(item.correction?.answers ?? answer, null, 2)}\n`;
      files.push({ name: `answers/${item.stem}.json`, bytes: new TextEncoder().encode(text) });
      for (const row of labelRows(item)) {
        rows.push([item.name, mask, item.task, row.label, row.value, item.correction ? 'yes' : 'no', row.answer.tier, row.answer.adapter_version,
          row.score, uncertaintyOf(item), row.area_px, row.area_mm2, row.answer.receipt_sha256]);
      }
    }
    return zip([{ name: 'results.csv', bytes: new TextEncoder().encode(csv(rows)) }, ...files]);
  }
}

/**
 * What an item has of each label, as `{label, value, score, area_px, area_mm2, answer}`: one row where masks are black and
 * white. Of a label that was corrected by itself, the pixels that it has in the map, and the answer that it is from.
 */
export function labelRows({ answer: first, correction }) {
  const answer = correction?.answer ?? first;
  const counting = answer.masks.filter(({ candidate }) => candidate === (correction?.candidate ?? 0));
  if (correction?.areas) {
    const answers = [correction.answers].flat();
    return correction.areas.map(({ value, area_px: pixels, score }) => {
      const own = answers.findLast(({ masks }) => masks.some((mask) => mask.label_value === value));
      const mask = own.masks.find((other) => other.label_value === value);
      const spacing = own.spacing_mm;
      return { label: mask.label, value, score, area_px: pixels, area_mm2: spacing ? pixels * spacing[0] * spacing[1] : null, answer: own };
    });
  }
  const values = [...new Set(counting.map((mask) => mask.label_value ?? null))];
  if (correction && values.length === 1 && counting.length > 1) {
    // Masks of several boxes may overlap.
    const { label, score } = counting[0];
    const [pixels, spacing] = [correction.area_px, answer.spacing_mm];
    return [{ label, value: values[0], score, area_px: pixels, area_mm2: spacing ? pixels * spacing[0] * spacing[1] : null, answer }];
  }
  return values.map((value) => {
    const masks = counting.filter((mask) => (mask.label_value ?? null) === value);
    const sum = (name) => (masks.every((mask) => typeof mask[name] === 'number') ? masks.reduce((total, mask) => total + mask[name], 0) : null);
    return { label: masks[0].label, value, score: masks[0].score, area_px: sum('area_px'), area_mm2: sum('area_mm2'), answer };
  });
}

/** The mask or label map of an item in base64: the corrected one, or that of the answer. */
export const pngOf = ({ correction, answer }) => correction?.png ?? answer?.label_map_png ?? answer?.masks[0]?.png ?? null;

/**
 * From 0 to 1: by how little answers to prompts nearby agree, where the server tries them; by the model's estimate of its own
 * mask otherwise. Of a mask that somebody corrected nobody tried it.
 */
export function uncertaintyOf({ answer, correction }) {
  if (!answer || correction) return null;
  const surety = answer.review?.score ?? Math.min(...answer.masks.map(({ score }) => score ?? 0));
  return Math.round((1 - surety) * 1e4) / 1e4;
}

/** A browser that has no room goes on without; the view says so. */
function withoutRoom(error) {
  console.warn('not kept over a reload:', error);
  return false;
}

function rank(item) {
  if (item.correction) return -1;
  if (item.state === 'failed') return 3;
  return (item.answer?.review?.needed ? 1 : 0) + (uncertaintyOf(item) ?? 2);
}

/** Without the maps, which a gallery does not show and which would fill the browser's memory. */
function slim(answer) {
  const masks = answer.masks.map(({ uncertainty_png: _, probability_png: __, ...mask }) => mask);
  return { ...answer, masks };
}
