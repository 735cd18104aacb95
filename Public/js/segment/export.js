import { hasToken } from '../api.js';
import { bytesOfBase64 } from '../image/mask.js';
import { labelName } from '../labels.js';
import { download } from '../download.js';

/** File names start as the image's does. */
export const stemOf = (name) => (name ?? 'image').split(/[/\\]/).pop().replace(/\.[^.]*$/, '') || 'image';

/** Whether there is one answer only, so that its bytes are taken along as they came. */
const isOneAnswer = (session) => session.meaningful.length === 1;

/** The mask, or the label map, as the server sent it, byte for byte, when it is one; several together are written here. */
export async function exportMask(session) {
  const { map, current, answer } = session;
  const stem = stemOf(session.name);
  if (map !== null) {
    const bytes = isOneAnswer(session) && session.isComposed ? bytesOfBase64(answer.label_map_png) : await map.toPNG();
    download(`${stem}_labels.png`, bytes, 'image/png');
  } else {
    const bytes = current.length === 1 ? bytesOfBase64(current[0].json.png) : await session.mask.toPNG();
    download(`${stem}_mask.png`, bytes, 'image/png');
  }
}

/** The answer, or the list of them: each has its own receipt. */
export const answersOf = ({ worthKeeping: replies }) => (replies.length === 1 ? replies[0].answer : replies.map(({ answer }) => answer));

export function exportAnswer(session) {
  const text = `${JSON.stringify(answersOf(session), null, 2)}\n`;
  download(`${stemOf(session.name)}_answer.json`, text, 'application/json');
}

/**
 * The `curl` command that repeats the request and writes the mask, one for each answer. The image is named by its id, and so
 * are exactly the same pixels; a ground truth is a file, and the token stays out of it.
 */
export function curlCommand(session, origin = location.origin) {
  return session.meaningful.map((reply) => oneCommand(session, reply, origin)).join('\n\n');
}

function oneCommand(session, { body }, origin) {
  const parts = [`curl -sS --fail-with-body ${quoted(origin + session.address)}`];
  if (hasToken()) parts.push('-H "Authorization: Bearer $GMISEG_TOKEN"');
  for (const [name, value] of Object.entries(body)) {
    if (name === 'ground_truth') parts.push(`-F ${quoted(`ground_truth=@${curlName(session.truth?.name ?? 'truth.png')}`)}`);
    else parts.push(`-F ${quoted(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)}`);
  }
  const label = session.labels.find(body.prompts.label);
  const ending = label ? labelName(label).replace(/[^\p{L}\p{N}]+/gu, '-') : session.labels.isMap ? 'labels' : 'mask';
  parts.push("-H 'Accept: image/png'", `-o ${quoted(`${stemOf(session.name)}_${ending}.png`)}`);
  return parts.join(' \\\n  ');
}

/** Within single quotes a shell takes everything as it is, but the quote itself. */
const quoted = (text) => (/^[A-Za-z0-9_./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A file's name as `-F` takes it: unquoted, curl ends it at a comma or semicolon (curl(1), --form). */
const curlName = (name) => (/^[^,;"\\]+$/.test(name) ? name : `"${name.replace(/[\\"]/g, '\\$&')}"`);

/** A paragraph for a paper on each answer, from the server or, where it writes none, from the receipt. */
export function methodsParagraph(session) {
  return [...new Set(session.worthKeeping.map((reply) => oneParagraph(session, reply)))].join('\n\n');
}

function oneParagraph(session, { answer }) {
  if (answer.methods) return answer.methods;
  const { receipt } = answer;
  const by = answer.tier === 'adapted'
    ? `adapted to the task "${session.task.name}" (adapter version ${answer.adapter_version}, SHA-256 ${receipt.adapter_sha256})`
    : 'without adaptation';
  return `The image was segmented with GMISeg ${receipt.build.version}, model ${receipt.model.name} ` +
    `(SHA-256 of the weights ${receipt.model.sha256}) ${by}, prompted with ${session.prompts.description}. ` +
    `Preprocessing: ${receipt.preprocessing}. Receipt: SHA-256 ${answer.receipt_sha256}.`;
}
