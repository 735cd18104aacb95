import { Problem, remove } from './api.js';
import { recallAll } from './keep.js';

/**
 * Deletes images from the server, where it can be done, that no other work in hand still names: the segment view and a
 * batch may have the same image open.
 */
export async function putAway(ids, features) {
  if (!features.imageDeletion) return;
  const inUse = new Set((await recallAll()).map((value) => value?.imageId));
  await Promise.all(ids.filter((id) => id && !inUse.has(id)).map((id) => remove(`/v1/images/${id}`).catch(ignoreMissing)));
}

/** What is not there any more need not be deleted. */
function ignoreMissing(error) {
  if (!(error instanceof Problem) || error.status !== 404) throw error;
}
