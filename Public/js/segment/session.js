import { call, get, Problem, upload } from '../api.js';
import { History } from '../history.js';
import { base64OfBytes, Mask } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { forget, keep, keepSmall, recall, recallSmall } from '../keep.js';
import { putAway } from '../stored-images.js';
import { Prompts } from './prompts.js';

/**
 * One image under work: what it is, what was pointed at, what the server answered. No elements here; `view.js` shows it.
 */
export class Session {
  /** @param {string} place Under which name it is kept over a reload. */
  constructor(place, features) {
    this.place = place;
    this.features = features;
    this.clear();
    this.task = null;
    this.version = null;
    this.model = null;
    this.wants = { alternatives: false, instances: false, uncertainty: false, refine: false };
  }

  clear() {
    this.file = null;
    this.name = null;
    this.imageId = null;
    this.picture = null;
    this.history = new History(new Prompts());
    this.answer = null;
    this.masks = [];
    this.chosen = 0;
    this.truth = null;
    this.spacing = null;
  }

  get prompts() { return this.history.value; }

  /** The address of segment requests: the task's, which may insist on an adapter's version, or the base model's. */
  get address() {
    if (!this.task) return '/v1/segment';
    const isPinned = this.version && this.features.pinVersion;
    return `/v1/tasks/${this.task.id}/segment${isPinned ? `?adapter=${this.version}` : ''}`;
  }

  /**
   * Uploads `file` and opens it. The server judges first, so that what it refuses is told in its words.
   *
   * @param {Blob} file
   * @param {string} name
   */
  async open(file, name, onProgress) {
    const form = new FormData();
    form.append('image', file, name);
    const stored = await upload('/v1/images', form, onProgress);
    const picture = await Picture.read(file);
    this.clear();
    Object.assign(this, { file, name, picture, imageId: stored.id });
    this.save();
    await forget(`${this.place} truth`).catch(withoutRoom);
    await keep(`${this.place} file`, { file, name, imageId: stored.id }).catch(withoutRoom);
  }

  /** Opens again what a reload interrupted; false when there was nothing. */
  async resume() {
    const kept = await recall(`${this.place} file`);
    if (!kept) return false;
    const work = recallSmall(this.place);
    const truth = await recall(`${this.place} truth`);
    const picture = await Picture.read(kept.file);
    this.clear();
    Object.assign(this, kept, { picture, history: new History(Prompts.from(work?.prompts)), spacing: work?.spacing ?? null });
    if (truth) await this.setTruth(truth.file, truth.name);
    return true;
  }

  /** The task that was chosen before the reload. */
  get keptTask() {
    return recallSmall(this.place)?.task ?? null;
  }

  save() {
    const { points, box, mask } = this.prompts;
    keepSmall(this.place, { prompts: { points, box, mask }, task: this.task?.id ?? null, spacing: this.spacing });
  }

  /** Puts the image away: here, and on the server where it can be deleted. */
  async close() {
    const { imageId } = this;
    this.clear();
    this.save();
    await forget(`${this.place} file`);
    await forget(`${this.place} truth`);
    await putAway([imageId], this.features);
  }

  async chooseTask(id) {
    this.task = id ? await get(`/v1/tasks/${id}`) : null;
  }

  /** @param {Blob|null} file The true mask, to measure against; null takes it away. */
  async setTruth(file, name) {
    if (file === null) {
      this.truth = null;
    } else {
      const base64 = base64OfBytes(new Uint8Array(await file.arrayBuffer()));
      let mask = null;
      try {
        mask = await Mask.read(file);
      } catch {
        // The server says what is wrong with it, in the next answer.
      }
      this.truth = { file, name, base64, mask };
    }
  }

  async keepTruth() {
    if (this.truth === null) await forget(`${this.place} truth`);
    else await keep(`${this.place} truth`, { file: this.truth.file, name: this.truth.name });
  }

  /** The millimetres a pixel that count: entered here, or the task's. */
  get effectiveSpacing() { return this.spacing ?? this.task?.spacing_mm ?? null; }

  /** What is sent for `prompts`: the very body of the request. */
  request(prompts = this.prompts) {
    const body = { image_id: this.imageId, prompts: prompts.json };
    if (this.wants.instances && prompts.isEmpty) body.instances = true;
    // Objects one by one have neither alternatives nor maps.
    if (this.wants.alternatives && !body.instances) body.multimask = true;
    if (this.wants.uncertainty && this.features.uncertainty && !body.instances) body.uncertainty = true;
    if (this.truth) body.ground_truth = this.truth.base64;
    if (this.spacing) body.spacing_mm = this.spacing;
    return body;
  }

  /** The base64 mask that a refinement starts from. */
  get previousMask() { return this.masks[this.chosen]?.json.png ?? null; }

  /** Asks the server; uploads the image once more when it is gone there. */
  async ask(body) {
    const started = performance.now();
    const { address } = this;
    let answer;
    try {
      answer = await call('POST', address, body);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404 || error.field !== 'image_id' || !this.file) throw error;
      const form = new FormData();
      form.append('image', this.file, this.name);
      await upload('/v1/images', form);
      answer = await call('POST', address, body);
    }
    const masks = await Promise.all(answer.masks.map(async (json) => ({ json, mask: await Mask.fromBase64(json.png) })));
    return { answer, masks, body, address, milliseconds: performance.now() - started };
  }

  /** Takes over what `ask` brought. */
  accept({ answer, masks, body, milliseconds }) {
    Object.assign(this, { answer, masks, body, milliseconds });
    this.chosen = 0;
  }

  /** There is no mask of what is pointed at now. */
  reject() {
    Object.assign(this, { answer: null, masks: [], chosen: 0 });
  }

  /** Whether the masks are alternatives of one object, of which one counts; otherwise all count. */
  get areAlternatives() {
    return this.masks.length > 1 && this.masks.some(({ json }) => json.candidate > 0);
  }

  /** The masks that count now. */
  get current() {
    if (this.masks.length === 0) return [];
    return this.areAlternatives ? [this.masks[this.chosen]] : this.masks;
  }

  /** All that counts as one mask; null before the first answer. */
  get mask() {
    const { current } = this;
    if (current.length === 0) return null;
    return current.length === 1 ? current[0].mask : Mask.union(current.map(({ mask }) => mask));
  }
}

/** A browser that has no room to keep an image goes on without: only a reload will miss it. */
function withoutRoom(error) {
  console.warn('not kept over a reload:', error);
}
