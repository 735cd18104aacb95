import { h } from '../dom.js';
import { decimal, integer, percent } from '../format.js';

/** The measures of the masks that count, and of their agreement with a ground truth, as rows of terms and values. */
export function measureRows(session) {
  const { current, answer } = session;
  if (current.length === 0) return [];
  const sum = (name) => current.reduce((total, { json }) => total + (json[name] ?? 0), 0);
  const hasSpacing = current.every(({ json }) => typeof json.area_mm2 === 'number');
  const area = hasSpacing ? `${decimal(sum('area_mm2'), 1)} mm²` : h('span', { class: 'quiet' }, 'no spacing, no mm²');
  const rows = [['Area', [`${integer(sum('area_px'))} px`, h('br'), area]]];
  if (current.length === 1) {
    const { json } = current[0];
    if (json.area_interval_px) {
      const millimetres = json.area_interval_mm2;
      rows.push(['Area, 95 %', [
        `${json.area_interval_px.map(integer).join('–')} px`,
        millimetres ? [h('br'), `${millimetres.map((value) => decimal(value, 1)).join('–')} mm²`] : null,
      ]]);
    }
    if (json.bounds) {
      rows.push(['Extent', `${json.bounds.x1 - json.bounds.x0 + 1} × ${json.bounds.y1 - json.bounds.y0 + 1} px`]);
    }
    rows.push(['Own estimate', h('span', { title: "The model's own estimate of the mask's intersection over union" }, percent(json.score, 0))]);
  }
  const { metrics } = answer;
  if (metrics) {
    rows.push(
      ['Dice', percent(metrics.dice, 2)], ['Jaccard', percent(metrics.jaccard, 2)],
      ['ASD', distance(metrics.asd_px, metrics.asd_mm)], ['HD95', distance(metrics.hd95_px, metrics.hd95_mm)]);
    if (metrics.px_reason) rows.push(['Distances', metrics.px_reason]);
  }
  return rows;
}

export function measureList(session) {
  return h('dl', { class: 'facts', 'aria-label': 'Measures' },
    measureRows(session).map(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]));
}

function distance(pixels, millimetres) {
  if (typeof millimetres === 'number') return `${decimal(millimetres)} mm (${decimal(pixels)} px)`;
  return typeof pixels === 'number' ? `${decimal(pixels)} px` : '–';
}
