import { h } from './dom.js';
import { complain } from './messages.js';

/**
 * Files that a person drops or chooses, folders included.
 *
 * @typedef {{file: File, path: string}} Found `path` is below the dropped folder, with `/` between its parts.
 */

const isPicture = (name) => /\.(png|jpe?g)$/i.test(name);
/** Files that systems put into folders by themselves. */
const isLitter = (name) => name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini';

/** All files of a drop, in the order of their paths. */
export async function filesOfDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = entries.length > 0
    ? (await Promise.all(entries.map((entry) => walk(entry, '')))).flat()
    : [...transfer.files].map((file) => ({ file, path: file.name }));
  return tidied(found);
}

/** All files of a file input. */
export function filesOfInput(input) {
  return tidied([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
}

function tidied(found) {
  return found
    .filter(({ file }) => !isLitter(file.name))
    .sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

async function walk(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path }];
  const reader = entry.createReader();
  const children = [];
  // A reader hands out a folder in batches, and an empty one at the end.
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) break;
    children.push(...batch);
  }
  return (await Promise.all(children.map((child) => walk(child, `${path}/`)))).flat();
}

/** Of a folder, its pictures; of files that were named one by one, all, so that the server can say what is wrong with them. */
export function pictures(found) {
  const isFolder = found.some(({ path }) => path.includes('/'));
  return isFolder ? found.filter(({ file }) => isPicture(file.name)) : found;
}

/**
 * A place to drop files onto, with buttons that open the file chooser.
 *
 * @param {{text: string, isMany?: boolean, isFolder?: boolean, label?: string}} options
 * @param {(found: Found[]) => void} onFiles
 */
export function dropZone({ text, isMany = false, isFolder = false, label = isMany ? 'Choose files' : 'Choose a file' }, onFiles) {
  const chooser = (attributes, caption) => {
    const input = h('input', { type: 'file', hidden: true, 'aria-label': caption, ...attributes,
      onchange: () => {
        const found = filesOfInput(input);
        input.value = '';
        if (found.length > 0) onFiles(found);
      } });
    return [h('button', { type: 'button', onclick: () => input.click() }, caption), input];
  };
  const zone = h('div', { class: 'drop' }, h('p', {}, text), h('div', { class: 'row', dataset: { choosers: '' } },
    chooser({ multiple: isMany }, label),
    isFolder ? chooser({ webkitdirectory: true, multiple: true }, 'Choose a folder') : null));
  acceptDrops(zone, onFiles);
  return zone;
}

/** Lets `element` take files that are dropped onto it. */
export function acceptDrops(element, onFiles) {
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    element.classList.toggle('over', depth > 0);
  };
  element.addEventListener('dragenter', (event) => {
    event.preventDefault();
    mark(1);
  });
  element.addEventListener('dragleave', () => mark(-1));
  element.addEventListener('dragover', (event) => event.preventDefault());
  element.addEventListener('drop', async (event) => {
    event.preventDefault();
    event.stopPropagation();
    mark(-depth);
    try {
      const found = await filesOfDrop(event.dataTransfer);
      if (found.length > 0) onFiles(found);
    } catch (error) {
      // A file that went away, or a folder that may not be read.
      complain(error);
    }
  });
}
