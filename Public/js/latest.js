/**
 * Runs an async function for the newest request only. While one runs, later ones wait, and of those all but the last are
 * dropped: a person who clicks faster than the server answers waits for two answers at most, never for a queue.
 */
export class Latest {
  /**
   * @param {(argument) => Promise} work
   * @param {(result, argument) => void} onResult
   * @param {(error, argument) => void} onError
   */
  constructor(work, onResult, onError) {
    Object.assign(this, { work, onResult, onError, waiting: null, isRunning: false });
  }

  /** Whether an answer is still to come. */
  get isBusy() {
    return this.isRunning;
  }

  async ask(argument) {
    this.waiting = { argument };
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.waiting !== null) {
      const { argument: next } = this.waiting;
      this.waiting = null;
      try {
        const result = await this.work(next);
        this.isRunning = this.waiting !== null;
        this.onResult(result, next);
      } catch (error) {
        this.isRunning = this.waiting !== null;
        this.onError(error, next);
      }
    }
  }

  /** Forgets what waits; an answer under way still comes. */
  drop() {
    this.waiting = null;
  }
}
