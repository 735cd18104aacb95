/** Numbers and times as a person reads them. Nothing known is an en dash. */

const NONE = '–';

export const percent = (value, places = 1) =>
  typeof value === 'number' ? `${(value * 100).toFixed(places)} %` : NONE;

export const decimal = (value, places = 2) => (typeof value === 'number'
  ? value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places }) : NONE);

/** Millimetres and their squares: to so many places, or to three digits where that would leave a microscope's with none. */
export const millimetres = (value, places) => (typeof value === 'number' && value !== 0 && Math.abs(value) < 1
  ? value.toLocaleString('en', { maximumSignificantDigits: 3 }) : decimal(value, places));

export const integer = (value) => (typeof value === 'number' ? value.toLocaleString('en') : NONE);

export function duration(seconds) {
  if (typeof seconds !== 'number') return NONE;
  if (seconds < 1) return 'under 1 s';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function bytes(count) {
  if (typeof count !== 'number') return NONE;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A date as the reader's locale writes it, to the minute. */
export function moment(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime())
    ? NONE
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** A p value to two places, as papers print it. */
export const pValue = (value) => (value < 0.001 ? 'p < 0.001' : `p = ${value.toPrecision(2)}`);

/** A clause of the server as a sentence of its own. */
export const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '');

export const plural = (count, noun, nouns = `${noun}s`) => `${integer(count)} ${count === 1 ? noun : nouns}`;
