import { LabelMap } from '../image/label-map.js';
import { Mask } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { forget, forgetSmall, keep, keepSmall, recall, recallSmall } from '../keep.js';
import { limited } from '../limited.js';
import { DraftLabels } from './draft-labels.js';
import { fresh, pair, pairFiles, stemOfPath } from './pairing.js';

/**
 * A task that is being put together: settings, and examples as rows of an image with or without its mask. Kept over a
 * reload.
 */
export class Draft {
  constructor() {
    this.settings = { name: '', spacing: ['', ''], model: '', steps: '', seed: '', gateMargin: '', tiles: '', ensemble: '' };
    this.labels = new DraftLabels();
    /**
     * `values` are those of the mask's pixels, null where it has colours; `path` is the image's, as it was dropped.
     * @type {{stem: string, path: string, image: File, mask: File|null, isDrawn: boolean, values: number[]|null, problem: string|null}[]}
     */
    this.rows = [];
    /** Masks that no image fits. @type {{file: File, path: string}[]} */
    this.orphans = [];
  }

  static async recall() {
    const draft = new Draft();
    const kept = await recall('draft').catch(() => null);
    if (kept) Object.assign(draft, kept);
    const { labels, ...settings } = recallSmall('draft') ?? {};
    Object.assign(draft.settings, settings);
    draft.labels = new DraftLabels(labels);
    return draft;
  }

  /** Keeps the texts; at every key. */
  saveSettings() {
    keepSmall('draft', { ...this.settings, labels: this.labels.json });
  }

  /** Keeps the files. */
  saveExamples() {
    const { rows, orphans } = this;
    return keep('draft', { rows, orphans });
  }

  static forget() {
    forgetSmall('draft');
    return forget('draft');
  }

  get isComplete() {
    return this.rows.length > 0 && this.rows.every(({ mask, problem }) => mask !== null && problem === null);
  }

  get complete() {
    return this.rows.filter(({ mask, problem }) => mask !== null && problem === null);
  }

  /** Takes dropped files in: pairs among themselves, and with what is here already. */
  async add(found) {
    const { pairs, images, masks } = await pairFiles(found);
    const taken = new Set(this.rows.map(({ stem }) => stem));
    for (const { image, mask, stem } of pairs) this.rows.push(rowOf(fresh(stem, taken), image, mask.file));
    for (const image of images) this.rows.push(rowOf(fresh(stemOfPath(image.path), taken), image, null));
    const all = this.rows.map((row) => ({ row, path: row.path ?? row.image.name }));
    const hasMask = ({ row }) => row.mask !== null;
    const late = pair(all.filter((one) => !hasMask(one)), [...this.orphans, ...masks], all.filter(hasMask));
    for (const { image, mask } of late.pairs) image.row.mask = mask.file;
    this.orphans = late.masks;
    await this.check();
  }

  /** Decodes all, learns what values the masks have, and says per row what is wrong before the server has to. */
  async check() {
    await Promise.all(this.rows.map(async (row) => {
      Object.assign(row, await limited(() => lookAt(row)));
    }));
    this.labels.take(this.rows.map(({ values }) => values ?? []));
    for (const row of this.rows) row.problem ??= this.misfit(row);
  }

  /** Why a mask is not a label map, where label maps are wanted. */
  misfit({ mask, values }) {
    if (mask === null || !this.labels.isMap) return null;
    if (values === null) return 'The mask has colours. A label map has grey values, or a palette, one for each label.';
    const outside = values.find((value) => value > 255);
    return outside === undefined ? null : `The mask has the value ${outside}. The numbers of labels go up to 255.`;
  }

  /** A further label. What was drawn in black and white becomes the first. */
  async addLabel() {
    const { labels } = this;
    const wasMap = labels.isMap;
    labels.add();
    if (wasMap) return;
    for (const row of this.rows.filter(({ isDrawn }) => isDrawn)) {
      const map = LabelMap.ofMask(await Mask.read(row.mask), labels.entries[0].value);
      row.mask = new File([await map.toPNG()], row.mask.name, { type: 'image/png' });
    }
  }

  /** The `task` part of the request; what was left empty is left out. */
  get request() {
    const { name, spacing, model, steps, seed, gateMargin, tiles, ensemble } = this.settings;
    const request = { name: name.trim() };
    const labels = this.labels.request;
    if (labels !== undefined) request.labels = labels;
    const [x, y] = spacing.map(Number);
    if (spacing[0] !== '' || spacing[1] !== '') request.spacing_mm = [x || y, y || x];
    if (model) request.model = model;
    const adaptation = {};
    if (steps !== '') adaptation.steps = Number(steps);
    if (seed !== '') adaptation.seed = Number(seed);
    if (gateMargin !== '') adaptation.gate_margin = Number(gateMargin);
    if (tiles !== '' && !this.labels.isMap) adaptation.tiles = tiles === 'off' ? tiles : Number(tiles);
    if (ensemble !== '') adaptation.ensemble = true;
    if (Object.keys(adaptation).length > 0) request.adaptation = adaptation;
    return request;
  }
}

const rowOf = (stem, { file: image, path }, mask) => ({ stem, path, image, mask, isDrawn: false, values: [], problem: null });

async function lookAt({ image, mask }) {
  try {
    const picture = await Picture.read(image);
    if (mask === null) return { values: [], problem: null };
    const map = await LabelMap.read(mask).catch(() => null);
    const drawn = map ?? (await Mask.read(mask));
    const values = map === null ? null : map.values;
    if (picture.width !== drawn.width || picture.height !== drawn.height) {
      return { values, problem: `The image has ${picture.width} × ${picture.height} pixels, its mask ${drawn.width} × ${drawn.height}. Export the mask without scaling or cropping.` };
    }
    return { values, problem: drawn.isEmpty ? 'The mask is empty: it marks no pixel.' : null };
  } catch (error) {
    return { values: [], problem: error.message };
  }
}
