import { Problem, remove, uploadWithStatus } from './api.js';
import { keepSmall, recallAll, recallSmall } from './keep.js';

const CREATED = 201;
/** Under which name the ids of the images are kept that are on the server because this tab has sent them. */
const OWN = 'own images';
const ownImages = () => new Set(recallSmall(OWN));

/** Uploads an image; resolves to what the server says of it. The segment view, a batch and the painter may send the same one. */
export async function storeImage(file, name, onProgress) {
  const form = new FormData();
  form.append('image', file, name);
  const { status, answer } = await uploadWithStatus('/v1/images', form, { onProgress });
  if (status === CREATED) keepSmall(OWN, [...ownImages().add(answer.id)]);
  return answer;
}

/**
 * Deletes images from the server, where it can be done, that this tab has brought there, and not somebody's script, and that no
 * other work in hand still names: the segment view and a batch may have the same image open.
 */
export async function putAway(ids, features) {
  if (!features.imageDeletion) return;
  const inUse = new Set((await recallAll()).map((value) => value?.imageId));
  const own = ownImages();
  await Promise.all(ids.filter((id) => own.has(id) && !inUse.has(id)).map(deleteImage));
}

async function deleteImage(id) {
  await remove(`/v1/images/${id}`).catch(ignoreMissing);
  // Whoever sends it from now on owns it.
  keepSmall(OWN, [...ownImages()].filter((other) => other !== id));
}

/** What is not there any more need not be deleted. */
function ignoreMissing(error) {
  if (!(error instanceof Problem) || error.status !== 404) throw error;
}
