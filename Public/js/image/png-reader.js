import { crc32 } from './crc32.js';

/**
 * Reads every colour type and depth of PNG (ISO/IEC 15948), interlaced or not, to the stored samples. A canvas would hand
 * out 8 bits and a colour-managed version of them; 16-bit scans need what is in the file.
 */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Adam7: first column and row, and the steps between, of the seven passes. */
const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
/** The server's own limit on pixels: whatever is larger is refused there anyway. */
const MAXIMUM_PIXELS = 2 ** 25;

export const isPNG = (bytes) => SIGNATURE.every((value, index) => bytes[index] === value);

/**
 * @param {Uint8Array} bytes The file.
 * @returns {Promise<{width, height, depth, channels, samples, palette}>} `samples` as stored (palette indices for palettes,
 *   not stretched), interleaved by `channels`, alpha included; `palette` as bytes of RGB, or null.
 * @throws {Error} when the file is damaged, in words.
 */
export async function readPNG(bytes) {
  if (!isPNG(bytes)) throw new Error('This is no PNG file.');
  const { header, palette, data } = chunks(bytes);
  const raw = await inflate(data);
  return { ...samplesOf(raw, header), palette };
}

function chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header = null;
  let palette = null;
  let isEnded = false;
  const data = [];
  for (let at = 8; at + 12 <= bytes.length && !isEnded;) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) throw new Error('The PNG file ends too early.');
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    const isCritical = type[0] === type[0].toUpperCase();
    if (isCritical && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw new Error(`The PNG file is damaged: the checksum of its ${type} part is wrong.`);
    }
    if (type === 'IHDR') header = headerOf(body);
    else if (type === 'PLTE') palette = body.slice();
    else if (type === 'IDAT') data.push(body);
    else if (type === 'IEND') isEnded = true;
    at += 12 + length;
  }
  if (header === null || data.length === 0 || !isEnded) throw new Error('The PNG file ends too early.');
  if (header.type === 3 && palette === null) throw new Error('The PNG file has no palette.');
  return { header, palette, data };
}

function headerOf(body) {
  if (body.length !== 13) throw new Error('The PNG file has a malformed header.');
  const view = new DataView(body.buffer, body.byteOffset, 13);
  const header = {
    width: view.getUint32(0), height: view.getUint32(4), depth: body[8], type: body[9], isInterlaced: body[12] === 1,
  };
  const depths = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] }[header.type];
  if (!depths?.includes(header.depth) || header.width === 0 || header.height === 0 || body[12] > 1) {
    throw new Error('The PNG file has a malformed header.');
  }
  if (header.width * header.height > MAXIMUM_PIXELS) throw new Error('The image has more than 33 million pixels.');
  return header;
}

async function inflate(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream('deflate'));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error('The PNG file is damaged: its pixels do not decompress.');
  }
}

function samplesOf(raw, { width, height, depth, type, isInterlaced }) {
  const channels = CHANNELS[type];
  const samples = new (depth === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  const passes = isInterlaced ? PASSES : [[0, 0, 1, 1]];
  let at = 0;
  for (const [left, top, stepX, stepY] of passes) {
    const columns = Math.ceil((width - left) / stepX);
    const rows = Math.ceil((height - top) / stepY);
    if (columns <= 0 || rows <= 0) continue;
    const stride = Math.ceil((columns * channels * depth) / 8);
    const reach = Math.max(1, (channels * depth) >> 3);
    if (at + rows * (stride + 1) > raw.length) throw new Error('The PNG file ends too early.');
    let above = new Uint8Array(stride);
    for (let row = 0; row < rows; row += 1) {
      const line = raw.subarray(at + 1, at + 1 + stride);
      unfilter(raw[at], line, above, reach);
      spread(line, samples, { depth, channels, columns, stepX, start: ((top + row * stepY) * width + left) * channels });
      above = line;
      at += stride + 1;
    }
  }
  return { width, height, depth, channels, samples };
}

/** Undoes a line's filter in place; `reach` is the distance in bytes to the pixel on the left. */
function unfilter(filter, line, above, reach) {
  const count = line.length;
  switch (filter) {
    case 0: return;
    case 1:
      for (let i = reach; i < count; i += 1) line[i] += line[i - reach];
      return;
    case 2:
      for (let i = 0; i < count; i += 1) line[i] += above[i];
      return;
    case 3:
      for (let i = 0; i < count; i += 1) line[i] += ((i >= reach ? line[i - reach] : 0) + above[i]) >> 1;
      return;
    case 4:
      for (let i = 0; i < count; i += 1) {
        line[i] += paeth(i >= reach ? line[i - reach] : 0, above[i], i >= reach ? above[i - reach] : 0);
      }
      return;
    default: throw new Error('The PNG file is damaged: a line has an unknown filter.');
  }
}

function paeth(left, up, corner) {
  const estimate = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Unpacks a line's samples and puts them where its pass says. */
function spread(line, samples, { depth, channels, columns, stepX, start }) {
  const step = stepX * channels;
  const mask = (1 << depth) - 1;
  for (let column = 0; column < columns; column += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const index = column * channels + channel;
      let value;
      if (depth === 8) value = line[index];
      else if (depth === 16) value = (line[2 * index] << 8) | line[2 * index + 1];
      else value = (line[(index * depth) >> 3] >> (8 - depth - ((index * depth) & 7))) & mask;
      samples[start + column * step + channel] = value;
    }
  }
}
