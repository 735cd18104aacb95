import { h, svg } from '../dom.js';
import { decimal, integer, percent, sentence } from '../format.js';
import { labelName } from '../labels.js';
import { swatch } from '../swatch.js';

export const PROMPT_NAMES = { box: 'Box', point: 'One point', none: 'No prompt' };

/** The loss over the steps, smallest and largest written at the axis. */
export function lossCurve(points) {
  const [width, height, left, bottom] = [460, 120, 44, 18];
  const losses = points.map(({ loss }) => loss);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const last = points.at(-1);
  const x = (step) => left + ((step - points[0].step) / Math.max(1, last.step - points[0].step)) * (width - left - 8);
  const y = (loss) => 8 + (1 - (loss - low) / Math.max(1e-9, high - low)) * (height - bottom - 16);
  const label = `Loss from ${decimal(points[0].loss, 3)} at step ${points[0].step} to ${decimal(last.loss, 3)} at step ${last.step}`;
  return svg('svg', { class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
    svg('line', { class: 'axis', x1: left, x2: left, y1: 4, y2: height - bottom }),
    svg('line', { class: 'axis', x1: left, x2: width - 4, y1: height - bottom, y2: height - bottom }),
    svg('text', { class: 'tick', x: left - 5, y: y(high) + 4, 'text-anchor': 'end' }, decimal(high, 2)),
    high - low > 0.005 ? svg('text', { class: 'tick', x: left - 5, y: y(low) + 4, 'text-anchor': 'end' }, decimal(low, 2)) : null,
    svg('text', { class: 'tick', x: width - 4, y: height - 5, 'text-anchor': 'end' }, `step ${last.step}`),
    svg('text', { class: 'tick', x: left, y: height - 5 }, 'loss'),
    svg('polyline', { class: 'series', points: points.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ') }));
}

/**
 * Base and adapted Dice for each kind of prompt: from a job's `held_out`, or the scores on the support set where nothing
 * was held out. Null when there are no scores.
 *
 * @returns {{rows: {name, base, adapted, gain}[], isHeldOut: boolean, note: string}|null} Values are `{mean, low, high}`.
 */
export function scoreRows(result) {
  const heldOut = result?.held_out;
  if (heldOut?.prompts) {
    const rows = named(heldOut.prompts, ({ base, adapted, gain }) => ({ base: base?.dice, adapted: adapted?.dice, gain }));
    const grouped = heldOut.grouped_by ? `, grouped by ${heldOut.grouped_by}` : '';
    return { rows, isHeldOut: true, note: `Held out: ${heldOut.method}, ${heldOut.folds} folds${grouped}; 95 % intervals.` };
  }
  const scores = result?.support_scores;
  if (!scores?.base || !scores?.adapted) return null;
  const rows = named(scores.base, (base, name) => ({ base: { mean: base.dice }, adapted: { mean: scores.adapted[name]?.dice }, gain: null }));
  return { rows, isHeldOut: false, note: sentence(scores.note ?? 'measured on the support set itself: it will do worse on new images') };
}

function named(prompts, read) {
  return ['box', 'point', 'none'].filter((name) => prompts[name]).map((name) => ({ name: PROMPT_NAMES[name], ...read(prompts[name], name) }));
}

/** Base (ring) and adapted (disc) Dice for each kind of prompt, with their intervals. */
export function scorePlot({ rows, isHeldOut }) {
  const [width, line, left, right] = [460, 34, 78, 24];
  const height = rows.length * line + 24;
  const x = (share) => left + share * (width - left - right);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const label = `${isHeldOut ? 'Held-out' : 'Support set'} Dice. ` +
    rows.map(({ name, base, adapted }) => `${name}: base ${percent(base?.mean)}, adapted ${percent(adapted?.mean)}`).join('. ');
  const mark = (value, y, kind) => (typeof value?.mean !== 'number' ? [] : [
    typeof value.low === 'number' ? svg('line', { class: `whisker ${kind}`, x1: x(value.low), x2: x(value.high), y1: y, y2: y }) : null,
    svg('circle', { class: kind, cx: x(value.mean), cy: y, r: 5 }),
  ]);
  return svg('svg', { class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
    ticks.map((share) => [
      svg('line', { class: 'grid', x1: x(share), x2: x(share), y1: 2, y2: height - 20 }),
      svg('text', { class: 'tick', x: x(share), y: height - 6, 'text-anchor': 'middle' }, `${share * 100} %`),
    ]),
    rows.map(({ name, base, adapted }, index) => {
      const y = index * line + line / 2;
      return [svg('text', { class: 'name', x: left - 10, y: y + 4, 'text-anchor': 'end' }, name), mark(base, y - 6, 'base'), mark(adapted, y + 6, 'adapted')];
    }));
}

/** The same as numbers. */
export function scoreTable({ rows }) {
  return h('table', { class: 'scores' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Dice'), h('th', { scope: 'col', class: 'number' }, h('span', { class: 'key base' }), 'Base'),
      h('th', { scope: 'col', class: 'number' }, h('span', { class: 'key adapted' }), 'Adapted'), h('th', { scope: 'col', class: 'number' }, 'Gain'))),
    h('tbody', {}, rows.map(({ name, base, adapted, gain }) => h('tr', {}, h('th', { scope: 'row' }, name),
      [base, adapted].map((value) => h('td', { class: 'number' }, percent(value?.mean), range(value, (share) => (share * 100).toFixed(1), '–'))),
      gainCell(gain ?? difference(base, adapted))))));
}

/**
 * Held-out Dice of each label, base and adapted for each kind of prompt, and in how many images without it it was found all the same; null
 * where a task has but one.
 *
 * @param {object} heldOut As a job or a task shows it.
 * @param {(value: number) => string} colourOf
 */
export function labelTable(heldOut, colourOf) {
  const labels = heldOut?.labels ?? [];
  if (labels.length < 2) return null;
  const kinds = Object.keys(PROMPT_NAMES).filter((kind) => labels.some(({ prompts }) => prompts?.[kind]));
  const isEver = labels.some(({ absent }) => absent?.examples > 0);
  const found = (absent, who) => h('td', { class: 'number' }, absent?.examples > 0 ? `${integer(absent[who])} of ${integer(absent.examples)}` : '–');
  const dice = (scores) => h('td', { class: 'number' }, percent(scores?.dice?.mean));
  // Wider than a narrow window: it scrolls by itself, with the keyboard too.
  return h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Scores by label' }, h('table', { class: 'scores bylabel', 'aria-label': 'Held-out Dice by label' },
    h('thead', {},
      h('tr', {}, h('th', { scope: 'col', rowspan: 2 }, 'Label'), h('th', { scope: 'col', rowspan: 2, class: 'number' }, 'Images'),
        kinds.map((kind) => h('th', { scope: 'colgroup', colspan: 2, class: 'group' }, PROMPT_NAMES[kind])),
        isEver ? h('th', { scope: 'colgroup', colspan: 2, class: 'group', title: 'Without a prompt, in images that do not show it' }, 'Found where absent') : null),
      h('tr', {}, [...kinds, ...(isEver ? ['absent'] : [])].map(() => [h('th', { scope: 'col', class: 'number' }, h('span', { class: 'key base' }), 'Base'),
        h('th', { scope: 'col', class: 'number' }, h('span', { class: 'key adapted' }), 'Adapted')]))),
    h('tbody', {}, labels.map(({ value, name, examples, prompts, absent }) => h('tr', {},
      h('th', { scope: 'row' }, h('span', { class: 'row tight nowrap' }, swatch(colourOf(value)), labelName({ name, value }))),
      h('td', { class: 'number' }, integer(examples)), kinds.map((kind) => [dice(prompts?.[kind]?.base), dice(prompts?.[kind]?.adapted)]),
      isEver ? [found(absent, 'base_found'), found(absent, 'adapted_found')] : null)))));
}

const difference = (base, adapted) =>
  typeof base?.mean === 'number' && typeof adapted?.mean === 'number' ? { mean: adapted.mean - base.mean } : null;

/** A difference of shares in percentage points. */
function gainCell(value) {
  const sign = (share) => `${share >= 0 ? '+' : '−'}${Math.abs(share * 100).toFixed(1)}`;
  return h('td', { class: 'number' }, typeof value?.mean === 'number' ? [sign(value.mean), range(value, sign, ' to ')] : '–');
}

/** The ends of an interval below its mean; null when it has none. */
function range(value, text, between) {
  if (typeof value?.low !== 'number' || typeof value?.high !== 'number') return null;
  return [h('br'), h('small', { class: 'quiet' }, `${text(value.low)}${between}${text(value.high)}`)];
}
