import { send } from './api.js';

/**
 * What this server offers, read from its own contract (`/openapi.yaml`), so that the page shows no button that would end
 * in a refusal. Only what the page asks about is looked at: which methods a path has, and which names stand below them.
 */
export class Features {
  /** @param {string} contract The YAML text; empty when the server has none. */
  constructor(contract) {
    this.blocks = operations(contract);
    this.bodies = components(contract);
  }

  /** Whether the contract has `method` on `path`; names in braces do not matter. */
  has(method, path) {
    return this.blocks.has(`${method.toLowerCase()} ${normalised(path)}`);
  }

  /** Whether the operation, or the request body that it refers to, has a member or parameter called `name`. */
  takes(method, path, name) {
    const block = this.blocks.get(`${method.toLowerCase()} ${normalised(path)}`);
    if (block === undefined) return false;
    const texts = [block, ...references(block).map((reference) => this.bodies.get(reference) ?? '')];
    return texts.some((text) => mentions(text, name));
  }

  /** Whether the schema called `schema` has a member called `name`. */
  schemaHas(schema, name) {
    return mentions(this.bodies.get(`schemas/${schema}`) ?? '', name);
  }

  get events() { return this.has('get', '/v1/jobs/{}/events'); }
  get dryRun() { return this.takes('post', '/v1/tasks', 'dry_run'); }
  get moreSupport() { return this.has('post', '/v1/tasks/{}/support'); }
  get supportFiles() { return this.has('get', '/v1/tasks/{}/support/{}/image'); }
  get imageDeletion() { return this.has('delete', '/v1/images/{}'); }
  get rollback() { return this.has('put', '/v1/tasks/{}/served_version'); }
  get gateMargin() { return this.schemaHas('AdaptationChoice', 'gate_margin'); }
  get ensemble() { return this.schemaHas('AdaptationChoice', 'ensemble'); }
  get pinVersion() { return this.takes('post', '/v1/tasks/{}/segment', 'adapter'); }
  get uncertainty() { return this.takes('post', '/v1/segment', 'uncertainty'); }
  get instances() { return this.takes('post', '/v1/segment', 'instances'); }
  get maskPrompt() { return this.schemaHas('Prompts', 'mask'); }
  get whoami() { return this.has('get', '/v1/whoami'); }
}

/** Reads the server's contract; a server without one offers the basics. */
export async function readFeatures() {
  try {
    return new Features(await (await send('GET', '/openapi.yaml')).text());
  } catch {
    return new Features('');
  }
}

const normalised = (path) => path.replace(/\{[^}]*\}/g, '{}');
const references = (text) => [...text.matchAll(/#\/components\/([A-Za-z]+\/[A-Za-z-]+)/g)].map((match) => match[1]);

function mentions(text, name) {
  return new RegExp(`(^|[\\s{,])(name: )?${name}(:|\\s*$|[,}])`, 'm').test(text);
}

/** `method path` → the lines of that operation. Paths are indented by two, methods by four, as in the file. */
function operations(contract) {
  const found = new Map();
  let path = null;
  let lines = null;
  for (const line of contract.split('\n')) {
    const pathLine = /^ {2}(\/\S*):\s*$/.exec(line);
    const methodLine = /^ {4}(get|put|post|patch|delete):/.exec(line);
    if (/^\S/.test(line)) {
      path = null;
      lines = null;
    } else if (pathLine) {
      path = normalised(pathLine[1]);
      lines = null;
    } else if (path !== null && methodLine) {
      lines = [];
      found.set(`${methodLine[1]} ${path}`, lines);
    } else if (lines !== null) {
      lines.push(line);
    }
  }
  return new Map([...found].map(([key, value]) => [key, value.join('\n')]));
}

/** `section/Name` → the lines of that component. */
function components(contract) {
  const found = new Map();
  let section = null;
  let lines = null;
  let inside = false;
  for (const line of contract.split('\n')) {
    if (/^\S/.test(line)) inside = line.startsWith('components:');
    if (!inside) continue;
    const sectionLine = /^ {2}([A-Za-z]+):/.exec(line);
    const nameLine = /^ {4}([A-Za-z-]+):(.*)$/.exec(line);
    if (sectionLine) {
      section = sectionLine[1];
      lines = null;
    } else if (nameLine) {
      lines = [nameLine[2]];
      found.set(`${section}/${nameLine[1]}`, lines);
    } else if (lines !== null) {
      lines.push(line);
    }
  }
  return new Map([...found].map(([key, value]) => [key, value.join('\n')]));
}
