/** A decoded image takes many times the room of its file: those of a whole folder at once would be more than a tab has. */
const MOST_AT_ONCE = 3;

/** Those that wait for a place, the first first. @type {(() => void)[]} */
const waiting = [];
let running = 0;

/**
 * Does `work` when no more than two others are under way, in the order of the calls; resolves or rejects as it does. Work must
 * not wait for other limited work: there might be no place left for that.
 *
 * @param {() => Promise} work
 */
export async function limited(work) {
  if (running < MOST_AT_ONCE) running += 1;
  else await new Promise((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    // Whoever waits takes the place over.
    if (waiting.length > 0) waiting.shift()();
    else running -= 1;
  }
}
