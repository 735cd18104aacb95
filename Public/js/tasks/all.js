import { get, Problem } from '../api.js';

/** All tasks of this server, page by page. */
export async function allTasks() {
  const tasks = [];
  let after = null;
  do {
    const page = await get(`/v1/tasks?limit=200${after ? `&after=${encodeURIComponent(after)}` : ''}`);
    tasks.push(...page.tasks);
    after = page.next;
  } while (after);
  return tasks;
}

/** What to say where a task that is wanted is not among them. */
export const missingTask = (id) => new Problem({
  title: 'There is no such task', detail: `This server has no task "${id}": it may have been deleted.`,
  hint: 'The base model answers until you choose another task.', status: 404,
});
