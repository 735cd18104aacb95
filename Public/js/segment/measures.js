import { h } from '../dom.js';
import { decimal, integer, millimetres, percent } from '../format.js';
import { labelName } from '../labels.js';
import { Mask } from '../image/mask.js';

/** The measures of the masks that count, and of their agreement with a ground truth, as rows of terms and values. */
export function measureRows(session) {
  const { current, answer } = session;
  if (current.length === 0) return [];
  if (session.isComposed) return labelRows(session);
  // Masks of several boxes may overlap, and what is exported is their union.
  const { area } = session.mask;
  const spacing = answer.spacing_mm;
  const square = spacing ? `${millimetres(area * spacing[0] * spacing[1], 1)} mm²` : h('span', { class: 'quiet' }, 'no spacing, no mm²');
  return [
    ['Area', [`${integer(area)} px`, h('br'), square]],
    ...(current.length === 1 ? maskRows(current[0].json) : []), ...(answer.metrics ? agreement(session) : []),
  ];
}

/** The server measures the best alternative; of another that was chosen there is what can be counted here. */
function agreement(session) {
  const { answer, truth, current: [{ json, mask }] } = session;
  if (!session.areAlternatives || json.candidate === 0) return agreementRows(answer.metrics);
  const known = truth?.layers[0]?.mask;
  const fits = known?.width === mask.width && known?.height === mask.height;
  return [['Dice', percent(fits ? mask.dice(known) : null, 2)], ['Distances', 'not measured: they are of the first alternative']];
}

/** Of the label that is chosen; what all labels have stands in the legend. */
function labelRows(session) {
  const part = session.currentOfLabel;
  if (part === null) return [];
  const rows = part.isWhole ? maskRows(part.json) : [];
  if (session.truth === null) return rows;
  if (part.isWhole && part.json.metrics) return [...rows, ...agreementRows(part.json.metrics)];
  return [...rows, ['Dice', percent(diceOf(session, part), 2)],
    ...(part.isWhole ? [] : [['Distances', 'not measured: a label that was corrected has taken some of its pixels']])];
}

/** The Dice of a label's pixels with those of the ground truth; null where the truth does not fit the image. */
export function diceOf(session, { label, mask, json, isWhole }) {
  if (isWhole && json.metrics) return json.metrics.dice;
  const { layers } = session.truth;
  if (layers.length === 0 || layers[0].mask.width !== mask.width || layers[0].mask.height !== mask.height) return null;
  return mask.dice(layers.find(({ value }) => value === label.value)?.mask ?? new Mask(mask.width, mask.height));
}

function maskRows(json) {
  const rows = [];
  if (json.area_interval_px) {
    const area = json.area_interval_mm2;
    rows.push(['Area, 95 %', [
      `${json.area_interval_px.map(integer).join('–')} px`,
      area ? [h('br'), `${area.map((value) => millimetres(value, 1)).join('–')} mm²`] : null,
    ]]);
  }
  if (json.bounds) rows.push(['Extent', `${json.bounds.x1 - json.bounds.x0 + 1} × ${json.bounds.y1 - json.bounds.y0 + 1} px`]);
  rows.push(['Own estimate', h('span', { title: "The model's own estimate of the mask's intersection over union" }, percent(json.score, 0))]);
  return rows;
}

function agreementRows(metrics) {
  const rows = [
    ['Dice', percent(metrics.dice, 2)], ['Jaccard', percent(metrics.jaccard, 2)],
    ['ASD', distance(metrics.asd_px, metrics.asd_mm)], ['HD95', distance(metrics.hd95_px, metrics.hd95_mm)]];
  if (metrics.px_reason) rows.push(['Distances', metrics.px_reason]);
  return rows;
}

export function measureList(session) {
  return [
    session.isComposed && session.currentOfLabel ? h('h3', {}, labelName(session.currentOfLabel.label)) : null,
    h('dl', { class: 'facts', 'aria-label': 'Measures' },
      measureRows(session).map(([term, value]) => [h('dt', {}, term), h('dd', {}, value)])),
  ];
}

function distance(pixels, length) {
  if (typeof length === 'number') return `${millimetres(length, 2)} mm (${decimal(pixels)} px)`;
  return typeof pixels === 'number' ? `${decimal(pixels)} px` : '–';
}
