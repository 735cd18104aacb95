import { Mask } from '../image/mask.js';
import { Picture } from '../image/picture.js';
import { forget, forgetSmall, keep, keepSmall, recall, recallSmall } from '../keep.js';
import { ENDING, fresh, pairFiles, stemOfPath } from './pairing.js';

/**
 * A task that is being put together: settings, and examples as rows of an image with or without its mask. Kept over a
 * reload.
 */
export class Draft {
  constructor() {
    this.settings = { name: '', label: '', spacing: ['', ''], model: '', steps: '', seed: '', gateMargin: '' };
    /** @type {{stem: string, image: File, mask: File|null, isDrawn: boolean, problem: string|null}[]} */
    this.rows = [];
    /** Masks that no image fits. @type {{file: File, path: string}[]} */
    this.orphans = [];
  }

  static async recall() {
    const draft = new Draft();
    const kept = await recall('draft').catch(() => null);
    if (kept) Object.assign(draft, kept);
    Object.assign(draft.settings, recallSmall('draft'));
    return draft;
  }

  /** Keeps the texts; at every key. */
  saveSettings() {
    keepSmall('draft', this.settings);
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
    for (const { image, mask, stem } of pairs) this.rows.push(rowOf(fresh(stem, taken), image.file, mask.file));
    for (const { file, path } of images) this.rows.push(rowOf(fresh(stemOfPath(path), taken), file, null));
    this.orphans = [...this.orphans, ...masks].filter(({ file, path }) => {
      const stem = stemOfPath(path);
      const row = this.rows.find((other) => other.mask === null && [stem, stem.replace(ENDING, '')].includes(other.stem));
      if (row) row.mask = file;
      return !row;
    });
    await this.check();
  }

  /** Decodes what has not been looked at, and says per row what is wrong before the server has to. */
  async check() {
    await Promise.all(this.rows.map(async (row) => {
      row.problem = await problemOf(row);
    }));
  }

  /** The `task` part of the request; what was left empty is left out. */
  get request() {
    const { name, label, spacing, model, steps, seed, gateMargin } = this.settings;
    const request = { name: name.trim() };
    if (label.trim()) request.labels = [label.trim()];
    const [x, y] = spacing.map(Number);
    if (spacing[0] !== '' || spacing[1] !== '') request.spacing_mm = [x || y, y || x];
    if (model) request.model = model;
    const adaptation = {};
    if (steps !== '') adaptation.steps = Number(steps);
    if (seed !== '') adaptation.seed = Number(seed);
    if (gateMargin !== '') adaptation.gate_margin = Number(gateMargin);
    if (Object.keys(adaptation).length > 0) request.adaptation = adaptation;
    return request;
  }
}

const rowOf = (stem, image, mask) => ({ stem, image, mask, isDrawn: false, problem: null });

async function problemOf({ image, mask }) {
  try {
    const picture = await Picture.read(image);
    if (mask === null) return null;
    const drawn = await Mask.read(mask);
    if (picture.width !== drawn.width || picture.height !== drawn.height) {
      return `The image has ${picture.width} × ${picture.height} pixels, its mask ${drawn.width} × ${drawn.height}. Export the mask without scaling or cropping.`;
    }
    return drawn.isEmpty ? 'The mask is empty: it marks no pixel.' : null;
  } catch (error) {
    return error.message;
  }
}
