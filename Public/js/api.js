/**
 * What the server is asked, and how it complains. Every failure becomes a `Problem` with the server's own sentence and
 * hint. The access token, where the server wants one, is held in this module's memory and nowhere else.
 */

/** An RFC 9457 problem document, or what stands in for one when the server could not be reached. */
export class Problem extends Error {
  constructor({ title, detail, hint, field, status, type }, retryAfter = null) {
    super(detail ?? title);
    this.title = title;
    this.detail = detail ?? '';
    this.hint = hint ?? null;
    this.field = field ?? null;
    this.status = status ?? 0;
    this.type = type ?? '';
    /** Seconds after which the server would be asked again; null where it named none. */
    this.retryAfter = Number(retryAfter) > 0 ? Number(retryAfter) : null;
  }
}

let token = null;
let askForToken = null;

/** Says who asks the person for a token: an async function of the server's problem that returns a token or null. */
export function onUnauthorised(ask) {
  askForToken = ask;
}

export function setToken(text) {
  token = text || null;
}

export function hasToken() {
  return token !== null;
}

/** The parsed JSON of a successful answer. `body` is sent as JSON, or as a form when it is `FormData`. */
export async function call(method, path, body, { signal } = {}) {
  const response = await send(method, path, body, { accept: 'application/json', signal });
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
}

export const get = (path, options) => call('GET', path, undefined, options);
export const post = (path, body, options) => call('POST', path, body, options);
export const put = (path, body, options) => call('PUT', path, body, options);
export const remove = (path, options) => call('DELETE', path, undefined, options);

/** The raw response of a request that succeeded; throws `Problem` otherwise. */
export async function send(method, path, body, { accept = '*/*', signal, headers = {} } = {}) {
  for (;;) {
    const response = await attempt(method, path, body, accept, signal, headers);
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status !== 401 || !(await renewToken(problem))) throw problem;
  }
}

async function attempt(method, path, body, accept, signal, extra) {
  const headers = { Accept: accept, ...extra, ...authorization() };
  let payload = body;
  if (body !== undefined && !(body instanceof FormData) && !(body instanceof Blob)) {
    headers['Content-Type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  try {
    return await fetch(path, { method, headers, body: payload, signal, cache: 'no-store', credentials: 'omit' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw unreachable();
  }
}

/**
 * Sends a form and reports how much of it has left, from 0 to 1; resolves to the parsed answer. `fetch` cannot tell the
 * progress of an upload, so this is an XMLHttpRequest.
 *
 * @param {{onProgress?: (share: number) => void, signal?: AbortSignal}} options
 */
export async function upload(path, form, options) {
  return (await uploadWithStatus(path, form, options)).answer;
}

/** The same; resolves to `{status, answer}`, for answers whose status says something. */
export async function uploadWithStatus(path, form, options = {}) {
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await uploadOnce(path, form, options);
    } catch (problem) {
      if (problem.status !== 401 || !(await renewToken(problem))) throw problem;
    }
  }
}

function uploadOnce(path, form, { onProgress = () => {}, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.setRequestHeader('Accept', 'application/json');
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(unreachable());
    request.onload = () => {
      const document = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve({ status: request.status, answer: document });
      else reject(new Problem(document ?? { title: `The server answered ${request.status}`, status: request.status }, request.getResponseHeader('Retry-After')));
    };
    signal?.addEventListener('abort', () => {
      request.abort();
      reject(signal.reason);
    });
    request.send(form);
  });
}

/** What a request needs besides itself to be let in. */
export function authorization() {
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

/** One prompt at a time, however many requests were refused. */
let renewal = null;
async function renewToken(problem) {
  if (askForToken === null) return false;
  renewal ??= askForToken(problem).finally(() => (renewal = null));
  const answer = await renewal;
  if (!answer) return false;
  token = answer;
  return true;
}

async function problemOf(response) {
  const document = parsed(await response.text().catch(() => ''));
  return new Problem(document ?? { title: `The server answered ${response.status}`, status: response.status }, response.headers.get('Retry-After'));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable() {
  return new Problem({
    title: 'The server does not answer',
    detail: 'The request did not get through.',
    hint: 'See whether gmiseg serve still runs, and try again: what you did here is kept.',
    status: 0,
  });
}
