/**
 * What the browser remembers for the page (`local`) and for this tab (`session`). A browser that blocks site data throws at the very names
 * of its own; then they last as long as the page, which works without.
 */
export const local = storage('localStorage');
export const session = storage('sessionStorage');

function storage(name) {
  try {
    const found = globalThis[name];
    found.getItem('');
    return found;
  } catch (error) {
    console.warn(`no ${name}:`, error);
    return Object.create({
      getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; },
      setItem(key, value) { this[key] = String(value); },
      removeItem(key) { delete this[key]; },
    });
  }
}
