import { Problem, remove, uploadWithStatus } from './api.js';
import { keepSmall, recallAll, recallSmall } from './keep.js';

const CREATED = 201;
/** Under which name the ids of the images are kept that are on the server because this tab has sent them. */
const OWN = 'own images';
/** Those of them that are to be deleted, and could not be yet. */
const UNWANTED = 'unwanted images';
/** What must last while the images do: nobody else knows who has sent them. */
export const IMAGE_LISTS = [OWN, UNWANTED];
export const ownImages = () => recallSmall(OWN) ?? [];
const unwantedImages = () => recallSmall(UNWANTED) ?? [];
const MOST_WAITS = 10;
let last = Promise.resolve();

/** Uploads an image; resolves to what the server says of it. The segment view, a batch and the painter may send the same one. */
export async function storeImage(file, name, onProgress) {
  const form = new FormData();
  form.append('image', file, name);
  const { status, answer } = await uploadWithStatus('/v1/images', form, { onProgress });
  if (status === CREATED) keepSmall(OWN, [...new Set([...ownImages(), answer.id])]);
  without(UNWANTED, answer.id);
  return answer;
}

/**
 * Deletes images from the server, where it can be done, that this tab has brought there, and not somebody's script, and that no
 * other work in hand still names: the segment view and a batch may have the same image open.
 */
export async function putAway(ids, features) {
  if (!features.imageDeletion) return;
  const own = ownImages();
  keepSmall(UNWANTED, [...new Set([...unwantedImages(), ...ids.filter((id) => own.includes(id))])]);
  await deleteUnwanted();
}

/**
 * Deletes what is unwanted, one after the other, and not before an earlier call is done. What cannot be deleted now stays noted, for
 * the next time and the next reload.
 */
export function deleteUnwanted() {
  last = last.catch(() => {}).then(deleteAll);
  return last;
}

async function deleteAll() {
  const inUse = new Set((await recallAll()).map((value) => value?.imageId));
  for (const id of unwantedImages()) {
    if (!inUse.has(id)) await deleteImage(id);
    without(UNWANTED, id);
  }
}

/** Asks again where the server says when. Whoever opens the image meanwhile takes it off the list, and it stays. */
async function deleteImage(id) {
  for (let waits = 0; unwantedImages().includes(id); waits += 1) {
    try {
      await remove(`/v1/images/${id}`).catch(ignoreMissing);
      // Whoever sends it from now on owns it.
      return without(OWN, id);
    } catch (error) {
      if (!(error.retryAfter > 0) || waits === MOST_WAITS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
    }
  }
  return undefined;
}

/** What is not there any more need not be deleted. */
function ignoreMissing(error) {
  if (!(error instanceof Problem) || error.status !== 404) throw error;
}

/** Takes an id off a list. */
function without(name, id) {
  keepSmall(name, (recallSmall(name) ?? []).filter((other) => other !== id));
}
