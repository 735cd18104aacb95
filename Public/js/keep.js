import { session } from './storage.js';

/**
 * Keeps work in hand over a reload: dropped files, drawn masks, prompts. In IndexedDB, under this tab's own number.
 * What a closed tab has left is thrown away at a start some hours later: patients' images do not stay behind in a browser
 * that others use too.
 */
const DATABASE = 'gmiseg';
const STORE = 'work';
const TWELVE_HOURS = 12 * 3600 * 1000;

const tab = tabNumber();
const opened = open();

/** What was kept under `name`, or undefined. */
export async function recall(name) {
  const entry = await request((store) => store.get(`${tab} ${name}`), 'readonly');
  return entry?.value;
}

/** All that this tab has kept. */
export async function recallAll() {
  const entries = await request((store) => store.getAll(), 'readonly');
  return (entries ?? []).filter((entry) => entry.tab === tab).map((entry) => entry.value);
}

/** Keeps `value`, which may hold files, blobs, typed arrays and plain objects. Resolves to false where the browser keeps nothing. */
export async function keep(name, value) {
  return (await request((store) => store.put({ tab, time: Date.now(), value }, `${tab} ${name}`), 'readwrite')) !== undefined;
}

export async function forget(name) {
  await request((store) => store.delete(`${tab} ${name}`), 'readwrite');
}

/** Keeps a small value at once: it is there even when the page is left in the same moment. Texts and numbers only. */
export function keepSmall(name, value) {
  try {
    session.setItem(name, JSON.stringify(value));
  } catch (error) {
    console.warn('not kept over a reload:', error);
  }
}

/** What `keepSmall` kept under `name`, or undefined. */
export function recallSmall(name) {
  try {
    return JSON.parse(session.getItem(name)) ?? undefined;
  } catch {
    return undefined;
  }
}

export function forgetSmall(name) {
  session.removeItem(name);
}

/** Removes all that any tab has kept in this browser, but for the small values of this one that `lasting` names. */
export async function forgetEverything(lasting = []) {
  for (const name of Object.keys(session)) if (!['tab', ...lasting].includes(name)) session.removeItem(name);
  await request((store) => store.clear(), 'readwrite');
}

/**
 * Throws away what closed tabs have left, when it is old. A living tab holds a lock of its number, where there are locks; one that
 * the browser has put to sleep, or has not restored yet, holds none, and comes back for its work.
 */
export async function forgetClosedTabs() {
  const living = new Set([tab]);
  if (navigator.locks) {
    navigator.locks.request(`gmiseg ${tab}`, () => new Promise(() => {}));
    const { held } = await navigator.locks.query();
    for (const lock of held) living.add(lock.name.replace(/^gmiseg /, ''));
  }
  const now = Date.now();
  await request((store) => {
    const cursorRequest = store.openCursor();
    cursorRequest.onsuccess = () => {
      const cursor = cursorRequest.result;
      if (!cursor) return;
      const { tab: owner, time } = cursor.value;
      if (!living.has(owner) && now - time > TWELVE_HOURS) cursor.delete();
      cursor.continue();
    };
    return cursorRequest;
  }, 'readwrite');
}

/** The tab's number: survives a reload, ends with the tab. A copied tab gets the number too, and then shares the work. */
function tabNumber() {
  const known = session.getItem('tab');
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const fresh = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  session.setItem('tab', fresh);
  return fresh;
}

/** Private windows may refuse, and where site data are blocked it is not even there: the page then works, and a reload starts anew. */
function open() {
  return new Promise((resolve) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => resolve(null);
  }).catch(() => null);
}

async function request(action, mode) {
  const database = await opened;
  if (database === null) return undefined;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const asked = action(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked.result ?? undefined);
    transaction.onabort = () => reject(transaction.error);
  });
}
