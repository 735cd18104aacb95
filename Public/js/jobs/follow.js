import { get, send } from '../api.js';
import { EventReader } from './events.js';

const ENDED = ['succeeded', 'failed', 'cancelled'];
/** Refusals that say nothing about the next time: too slow, too many. */
const PASSING = [408, 429];
export const isEnded = (job) => ENDED.includes(job.state);

/**
 * Tells `onJob` of every change of a job until it has ended: by the server's events where there are any, by asking once a
 * second otherwise, and also when the stream breaks. Resolves to the job as it ended.
 */
export async function follow(id, features, onJob, signal) {
  let last = null;
  let eventId;
  const tell = (job) => {
    last = job;
    onJob(job);
  };
  while (!signal.aborted) {
    try {
      if (features.events) eventId = await stream(id, eventId, tell, signal);
      if (last === null || !isEnded(last)) tell(await get(`/v1/jobs/${id}`, { signal }));
    } catch (error) {
      if (signal.aborted) return last;
      if (error.status >= 400 && error.status < 500 && !PASSING.includes(error.status)) throw error;
    }
    if (last !== null && isEnded(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return last;
}

/** Reads events until the server closes the stream; returns the last event's id. */
async function stream(id, lastId, tell, signal) {
  const headers = lastId === undefined ? {} : { 'Last-Event-ID': lastId };
  const response = await send('GET', `/v1/jobs/${id}/events`, undefined, { accept: 'text/event-stream', signal, headers });
  const reader = new EventReader();
  const body = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let seen = lastId;
  for (;;) {
    const { done, value } = await body.read();
    if (done) return seen;
    for (const { event, id: number, data } of reader.read(value)) {
      seen = number ?? seen;
      if (event === 'job') tell(JSON.parse(data));
    }
  }
}
