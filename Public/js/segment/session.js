import { call, get, Problem } from '../api.js';
import { History } from '../history.js';
import { LabelMap } from '../image/label-map.js';
import { layersOf } from '../image/layers.js';
import { base64OfBytes, Mask } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { forget, forgetSmall, keep, keepSmall, recall, recallSmall } from '../keep.js';
import { TaskLabels } from '../labels.js';
import { putAway, storeImage } from '../stored-images.js';
import { PromptBook } from './book.js';
import { compose } from './composition.js';

/** Each holds a mask of the image's size for each label. */
const MOST_KNOWN = 24;
/** By place, the session that was begun last: what an earlier one has under way then is not to be kept over it. */
const newest = new Map();

/**
 * One image under work: what it is, what was pointed at, what the server answered. No elements here; `view.js` shows it.
 */
export class Session {
  /** @param {string} place Under which name it is kept over a reload. */
  constructor(place, features) {
    this.place = place;
    newest.set(place, this);
    /** The number of the batch's item that is corrected. */
    this.item = null;
    this.isLeft = false;
    this.features = features;
    this.task = null;
    this.labels = TaskLabels.of(null);
    /** Answers of a task with several labels, by address and body: only what was changed is asked for again. */
    this.known = new Map();
    this.turns = {};
    this.clear();
    this.version = null;
    this.wants = { alternatives: false, instances: false, uncertainty: false, refine: false };
  }

  clear() {
    this.file = null;
    this.name = null;
    this.imageId = null;
    this.picture = null;
    this.history = new History(new PromptBook().fitting(this.labels));
    this.reject();
    this.known.clear();
    this.truth = null;
    this.spacing = null;
  }

  get book() { return this.history.value; }
  get prompts() { return this.book.current; }

  /** Other prompts for the label that is chosen. */
  change(prompts) {
    this.history.push(this.book.with(prompts));
  }

  /** Says which label the next prompt is of. That is no step to undo. */
  chooseLabel(value) {
    this.history.replace(this.book.choosing(value));
    this.chooseAlternative(0);
  }

  /** The address of segment requests: the task's, which may insist on an adapter's version, or the base model's. */
  get address() {
    if (!this.task) return '/v1/segment';
    const isPinned = this.version && this.features.pinVersion;
    return `/v1/tasks/${this.task.id}/segment${isPinned ? `?adapter=${this.version}` : ''}`;
  }

  /**
   * Uploads `file` and opens it. The server judges first, so that what it refuses is told in its words. Resolves to false where
   * another image was opened or this one put away meanwhile, or the view opened anew: what a person did last counts, not what came last.
   *
   * @param {Blob} file
   * @param {string} name
   * @param {{book, spacing, truth}|null} work What to go on with, as `keptWork` has it.
   */
  async open(file, name, onProgress, work = null) {
    const isLast = this.turn('image');
    const stored = await storeImage(file, name, onProgress);
    const picture = await Picture.read(file).catch(async (error) => {
      // Nobody can work with what the browser does not show.
      await putAway([stored.id], this.features).catch(() => {});
      throw error;
    });
    if (!isLast() || !this.isNewest) return false;
    this.clear();
    Object.assign(this, { file, name, picture, imageId: stored.id, spacing: work?.spacing ?? null });
    const book = PromptBook.from(work?.book).fitting(this.labels);
    // What was pointed at before can be taken back.
    if (book.pages.length > 0) this.history.push(book);
    else this.history.replace(book);
    this.save();
    if (work?.truth) await this.setTruth(work.truth.file, work.truth.name).catch(withoutRoom);
    else await forget(`${this.place} truth`).catch(withoutRoom);
    if (this.isNewest) await keep(`${this.place} file`, { file, name, imageId: stored.id }).catch(withoutRoom);
    return this.file === file;
  }

  /** Begins something that the next of its kind makes pointless; returns whether that has not come yet. */
  turn(kind) {
    const number = (this.turns[kind] ?? 0) + 1;
    this.turns[kind] = number;
    return () => this.turns[kind] === number;
  }

  /** Opens again what a reload interrupted; false when there was nothing. */
  async resume() {
    const kept = await recall(`${this.place} file`);
    if (!kept) return false;
    const work = recallSmall(this.place);
    const truth = await recall(`${this.place} truth`);
    const picture = await Picture.read(kept.file);
    // Whoever has opened one since wants that.
    if (this.turns.image !== undefined) return false;
    this.clear();
    Object.assign(this, kept, { picture, history: new History(PromptBook.from(work?.book).fitting(this.labels)), spacing: work?.spacing ?? null });
    if (truth) await this.setTruth(truth.file, truth.name);
    return true;
  }

  /** The task that was chosen before the reload. */
  get keptTask() {
    return recallSmall(this.place)?.task ?? null;
  }

  get isNewest() { return newest.get(this.place) === this; }

  save() {
    if (this.isLeft || !this.isNewest) return;
    keepSmall(this.place, { book: this.book.json, task: this.task?.id ?? null, spacing: this.spacing, item: this.item });
  }

  /** Puts the image away, here. */
  async close() {
    this.turn('image');
    this.clear();
    this.save();
    await forget(`${this.place} file`);
    await forget(`${this.place} truth`);
  }

  /** What a reload interrupted in the correction of the item; null when that was of another item or task, or is done. */
  async keptWork() {
    const work = recallSmall(this.place);
    if (this.item === null || work?.item !== this.item || work.task !== (this.task?.id ?? null)) return null;
    return { ...work, truth: await recall(`${this.place} truth`).catch(() => null) };
  }

  /** The work was left on purpose: it is not to come back, whatever is still under way. */
  leave() {
    this.isLeft = true;
    forgetSmall(this.place);
  }

  /** Resolves to false where another task was chosen meanwhile. */
  async chooseTask(id) {
    const isLast = this.turn('task');
    const task = id ? await get(`/v1/tasks/${id}`) : null;
    if (!isLast()) return false;
    this.task = task;
    this.labels = TaskLabels.of(this.task);
    this.history = new History(this.book.fitting(this.labels));
    this.known.clear();
    this.reject();
    if (this.truth) this.truth.layers = await this.truthLayers(this.truth.file);
    return isLast();
  }

  /** The side of the tiles that the adapter answers in; null where images are seen whole. */
  get tileSide() {
    const number = this.version ?? this.task?.served_version;
    return this.task?.versions?.find(({ version }) => version === number)?.card?.tile_side ?? null;
  }

  /** @param {Blob|null} file The true mask, to measure against; null takes it away. */
  async setTruth(file, name) {
    if (file === null) {
      this.truth = null;
    } else {
      const base64 = base64OfBytes(new Uint8Array(await file.arrayBuffer()));
      this.truth = { file, name, base64, layers: await this.truthLayers(file) };
    }
  }

  /** The true masks by label; none where the file does not decode: the server says what is wrong with it, in the next answer. */
  truthLayers(file) {
    return layersOf(file, this.labels).catch(() => []);
  }

  async keepTruth() {
    const name = `${this.place} truth`;
    const kept = this.truth === null ? forget(name) : keep(name, { file: this.truth.file, name: this.truth.name });
    await kept.catch(withoutRoom);
  }

  /** The millimetres a pixel that count: entered here, or the task's. */
  get effectiveSpacing() { return this.spacing ?? this.task?.spacing_mm ?? null; }

  /**
   * What is to be asked, as the bodies of requests. Of a task with several labels that is what it has learnt of all, and
   * for each label that was pointed at, its prompts.
   *
   * @returns {{address: string, bodies: object[]}}
   */
  request() {
    const { address, book, labels } = this;
    const single = !labels.areSeveral;
    const instances = this.wants.instances && this.prompts.isEmpty;
    let bodies;
    if (single || instances) bodies = [this.bodyFor(this.prompts, single ? null : book.label, instances)];
    else bodies = [this.bodyFor(book.of(null), null), ...book.pages.map(([label, prompts]) => this.bodyFor(prompts, label))];
    return { address, bodies };
  }

  bodyFor(prompts, label, isOfInstances = false) {
    const body = { image_id: this.imageId, prompts: label === null ? prompts.json : { label, ...prompts.json } };
    if (isOfInstances) body.instances = true;
    // Objects one by one, tiles, and all labels together have no alternatives; objects one by one have no maps either.
    const mayVary = !isOfInstances && this.tileSide === null && !(this.labels.areSeveral && (label === null || label !== this.book.label));
    if (this.wants.alternatives && mayVary) body.multimask = true;
    if (this.wants.uncertainty && this.features.uncertainty && !isOfInstances) body.uncertainty = true;
    if (this.truth) body.ground_truth = this.truth.base64;
    if (this.spacing) body.spacing_mm = this.spacing;
    return body;
  }

  /** The base64 mask that a refinement starts from. */
  get previousMask() {
    const mask = this.isComposed ? this.currentOfLabel : this.masks[this.chosen];
    return mask?.json.png ?? null;
  }

  /** Asks the server, one body after the other. What is known of several labels is not asked for again. */
  async ask(request) {
    const started = performance.now();
    let asked = await this.askAll(request);
    if (this.isAbout(request) && this.hasMovedOn(asked.replies)) {
      // Another version of the adapter answers now; one label map must not be of two.
      const task = await get(`/v1/tasks/${this.task.id}`);
      if (this.task?.id === task.id) this.task = task;
      this.known.clear();
      asked = await this.askAll(request);
    }
    return { ...request, ...asked, milliseconds: performance.now() - started };
  }

  hasMovedOn(replies) {
    return !this.version && replies.some(({ answer: { adapter_version: version } }) =>
      typeof version === 'number' && version !== this.task.served_version);
  }

  async askAll({ address, bodies }) {
    const replies = [];
    let hasEncoded = false;
    for (const body of bodies) {
      const key = this.labels.areSeveral ? `${address} ${JSON.stringify(body)}` : null;
      const known = this.known.get(key);
      const reply = known ?? (await this.askOne(address, body));
      hasEncoded ||= !known && reply.answer.embedding !== 'cached';
      if (key !== null) this.remember(key, reply);
      replies.push(reply);
    }
    return { replies, hasEncoded };
  }

  /** The answers that were used last: those of the masks that are shown, and of a few steps of undo. */
  remember(key, reply) {
    this.known.delete(key);
    this.known.set(key, reply);
    if (this.known.size > MOST_KNOWN) this.known.delete(this.known.keys().next().value);
  }

  /** Uploads the image once more when it is gone from the server. */
  async askOne(address, body) {
    let answer;
    try {
      answer = await call('POST', address, body);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404 || error.field !== 'image_id' || !this.file) throw error;
      await storeImage(this.file, this.name);
      answer = await call('POST', address, body);
    }
    const masks = await Promise.all(answer.masks.map(async (json) => ({ json, mask: await Mask.fromBase64(json.png) })));
    return { body, answer, masks };
  }

  /** Whether answers to `request` are still wanted. */
  isAbout({ address, bodies }) {
    return address === this.address && bodies[0].image_id === this.imageId;
  }

  /** Takes over what `ask` brought. The alternative that a person has chosen stays while the same was asked of the same adapter. */
  accept({ address, replies, milliseconds }) {
    const before = this.isShown && this.answered === address ? this.reply : null;
    Object.assign(this, { answered: address, replies, milliseconds, composed: null });
    const isSame = before !== null && this.reply !== null && JSON.stringify(before.body.prompts) === JSON.stringify(this.reply.body.prompts) &&
      before.body.multimask === this.reply.body.multimask && before.answer.adapter_version === this.reply.answer.adapter_version;
    if (!isSame || this.chosen >= this.masks.length) this.chosen = 0;
  }

  /** There is no mask of what is pointed at now. */
  reject() {
    Object.assign(this, { replies: [], chosen: 0, composed: null });
  }

  /** The reply about the label that is chosen: to its prompts, or to none. */
  get reply() {
    const { label } = this.book;
    return this.replies.find(({ body }) => label !== null && body.prompts.label === label) ?? this.replies[0] ?? null;
  }

  get answer() { return this.reply?.answer ?? null; }
  get body() { return this.reply?.body ?? null; }
  get masks() { return this.reply?.masks ?? []; }

  /**
   * The replies that mean something: without a prompt only what a task has learnt does. The base model's guess at nothing is not
   * shown, though it was asked for, so that the image is encoded before the first click.
   */
  get meaningful() { return this.replies.filter(isMeaningful); }
  get isShown() { return this.meaningful.length > 0; }
  /** Whether objects were looked for one by one, and there is none: an answer, with a receipt, but no mask. */
  get isEmpty() { return this.reply?.body.instances === true && this.masks.length === 0; }
  /** The replies that may be taken along. */
  get worthKeeping() { return this.isEmpty ? [this.reply] : this.meaningful; }

  /** Whether every label has a mask of its own; otherwise the masks are of one object, or of the instances of one label. */
  get isComposed() { return this.labels.areSeveral && this.isShown && this.replies[0].body.instances !== true; }

  /** What `compose` makes of the answers, once for each of them. */
  get composition() {
    this.composed ??= compose(this.labels.list, this.meaningful.map((reply) => {
      const label = reply.body.prompts.label ?? null;
      const masks = reply === this.reply && this.areAlternatives ? [reply.masks[this.chosen]] : reply.masks;
      return { label, masks: label === null ? masks : masks.slice(0, 1) };
    }));
    return this.composed;
  }

  /** Whether the masks are alternatives of one object, of which one counts; otherwise all count. */
  get areAlternatives() {
    return this.masks.length > 1 && this.masks.some(({ json }) => json.candidate > 0);
  }

  chooseAlternative(index) {
    Object.assign(this, { chosen: index, composed: null });
  }

  /** The masks that count now. */
  get current() {
    if (this.isComposed) return this.composition.parts;
    if (this.masks.length === 0) return [];
    return this.areAlternatives ? [this.masks[this.chosen]] : this.masks;
  }

  /** The one of the label that is chosen; null where it has none. */
  get currentOfLabel() {
    const { current } = this;
    return (this.isComposed ? current.find(({ label }) => label.value === this.book.label) : current[0]) ?? null;
  }

  /** All that counts as one mask; null before the first answer. */
  get mask() {
    const { current } = this;
    if (current.length === 0) return null;
    return current.length === 1 ? current[0].mask : Mask.union(current.map(({ mask }) => mask));
  }

  /** The same with each label's number; null where masks are black and white. */
  get map() {
    if (!this.labels.isMap || !this.isShown) return null;
    if (this.isComposed) return this.composition.map;
    return LabelMap.ofMask(this.mask, this.book.label ?? this.labels.list[0].value);
  }
}

function isMeaningful({ body, answer }) {
  const { label: _, ...pointed } = body.prompts;
  if (answer.masks.length === 0) return false;
  if (Object.keys(pointed).length > 0 || body.instances === true || answer.tier === 'adapted') return true;
  return isByLikeness(answer);
}

const routes = ({ promptless }) => (promptless ? (promptless.labels ?? [promptless]).map(({ route }) => route) : []);

/** Whether the support set stood in for a prompt, for one label at least. */
export const isByLikeness = (answer) => routes(answer).some((route) => route !== 'model' && route !== 'model+prototype-map');

/** Whether it helped an adapter, for one label at least. */
export const isHelpedByLikeness = (answer) => routes(answer).includes('model+prototype-map');

/** A browser that has no room to keep an image goes on without: only a reload will miss it. */
function withoutRoom(error) {
  console.warn('not kept over a reload:', error);
}
