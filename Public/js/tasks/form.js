/**
 * The form of a support set. Image and mask get the same stem, so the server pairs them as they are paired here, whatever
 * the files were called.
 *
 * @param {{stem: string, image: Blob, mask: Blob}[]} examples
 */
export function supportForm(examples, settings = null) {
  const form = new FormData();
  if (settings !== null) form.append('task', JSON.stringify(settings));
  for (const { stem, image, mask } of examples) {
    form.append('image', image, stem + extension(image));
    form.append('mask', mask, stem + extension(mask));
  }
  return form;
}

const extension = (file) => /\.[A-Za-z0-9]+$/.exec(file.name ?? '')?.[0] ?? '.png';
