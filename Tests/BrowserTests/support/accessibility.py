"""What can be told about a page's accessibility without a person, after the rules of WCAG 2.2."""

CONTRAST = r"""
const parse = (text) => {
  const parts = text.match(/rgba?\(([^)]+)\)/)[1].split(/[\s,/]+/).filter(Boolean).map(Number);
  return {rgb: parts.slice(0, 3), alpha: parts[3] ?? 1};
};
const over = (top, below) => top.rgb.map((value, index) => value * top.alpha + below[index] * (1 - top.alpha));
const ground = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.alpha > 0) layers.push(colour);
    if (colour.alpha === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
};
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((value) => { const s = value / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };
const found = [];
for (const element of document.querySelectorAll('body *')) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
  const isField = element.matches('input:not([type=range], [type=color], [type=checkbox], [type=file]), select');
  if (!hasText && !isField) continue;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const isShown = element.checkVisibility({visibilityProperty: true, opacityProperty: true}) && box.width > 1 && box.height > 1;
  if (!isShown || element.matches(':disabled') || element.closest(':disabled, .unseen, noscript, option')) continue;
  const isSVG = element instanceof SVGElement;
  const below = ground(element);
  const colour = parse(isSVG ? style.fill : style.color);
  const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
  const contrast = ratio(over(colour, below), below);
  if (contrast < (isLarge ? 3 : 4.5)) found.push(`${element.tagName} "${element.textContent.trim().slice(0, 40)}" ${contrast.toFixed(2)}`);
  if (isField || element.matches('button, .button')) {
    // The edge of a control has to be seen as well (WCAG 1.4.11).
    const edge = parse(style.borderTopColor);
    const outside = ground(element.parentElement);
    const isFilled = ratio(below, outside) >= 3;
    if (style.borderTopStyle !== 'none' && edge.alpha === 1 && !isFilled && ratio(edge.rgb, outside) < 3) {
      found.push(`edge of ${element.tagName} "${element.textContent.trim().slice(0, 40)}" ${ratio(edge.rgb, outside).toFixed(2)}`);
    }
  }
}
return found;
"""

STRUCTURE = r"""
const found = [];
const shown = (element) => element.checkVisibility({visibilityProperty: true});
if (document.documentElement.lang !== 'en') found.push('no language');
if (document.title.trim() === '') found.push('no title');
if (document.querySelectorAll('main').length !== 1) found.push('not one main landmark');
if ([...document.querySelectorAll('h1')].filter(shown).length !== 1) found.push('not one h1');
const ids = [...document.querySelectorAll('[id]')].map(({id}) => id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`);
for (const element of document.querySelectorAll('[aria-labelledby], [aria-describedby]')) {
  for (const name of ['aria-labelledby', 'aria-describedby']) for (const id of (element.getAttribute(name) ?? '').split(' ').filter(Boolean)) {
    if (!document.getElementById(id)) found.push(`${name} names nothing: ${id}`);
  }
}
for (const element of document.querySelectorAll('[tabindex]')) if (element.tabIndex > 0) found.push('a positive tabindex');
for (const element of document.querySelectorAll('main canvas, main svg')) {
  if (shown(element) && !element.closest('[aria-hidden=true]') && !(element.getAttribute('role') === 'img' && element.getAttribute('aria-label'))) found.push(`${element.tagName} without a name`);
}
for (const list of document.querySelectorAll('ul, ol')) for (const child of list.children) if (child.tagName !== 'LI') found.push(`${child.tagName} in a list`);
for (const list of document.querySelectorAll('dl')) for (const child of list.children) if (!['DT', 'DD'].includes(child.tagName)) found.push(`${child.tagName} in a dl`);
for (const cell of document.querySelectorAll('th')) if (!cell.hasAttribute('scope')) found.push(`th without scope: ${cell.textContent}`);
for (const [control] of [...document.querySelectorAll('button, a[href], input:not([type=file]), select, summary')].map((e) => [e])) {
  const box = control.getBoundingClientRect();
  // WCAG 2.5.8: 24 by 24, but for links within text and what the browser draws itself.
  if (shown(control) && box.width > 0 && control.matches('button, .button, select, input[type=text], input[type=number]') && (box.width < 24 || box.height < 24)) {
    found.push(`small target: ${control.tagName} "${control.textContent.trim().slice(0, 30)}" ${box.width} × ${box.height}`);
  }
}
return found;
"""

CONTROLS = r"""
return [...document.querySelectorAll('button, a[href], input:not([type=file]), select, textarea, summary, [role], [tabindex="0"]')]
  .filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.closest('[aria-hidden=true]'));
"""

TABBABLE = r"""
return [...document.querySelectorAll('button, a[href], input:not([type=file]), select, textarea, summary, [tabindex="0"]')]
  .filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.disabled && element.tabIndex >= 0);
"""

FOCUS = r"""
const element = document.activeElement;
const style = getComputedStyle(element);
const box = element.getBoundingClientRect();
return [element, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1,
  box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth];
"""
