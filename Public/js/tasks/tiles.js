import { integer } from '../format.js';

/** How a model sees images: whole, or in tiles of `side` pixels, of which there are `count` where that is known. */
export function tileWords(side, count) {
  if (side === null) return 'seen whole';
  const many = typeof count === 'number' ? `${integer(count)} overlapping tiles` : 'overlapping tiles';
  return `cut into ${many} of ${side} × ${side} pixels, each seen at its own resolution, for thin objects`;
}

export const tileSentence = (side, count) => `Images are ${tileWords(side, count)}.`;
