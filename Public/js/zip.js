import { crc32 } from './image/crc32.js';

/**
 * A zip archive without compression (APPNOTE 6.3.10: version 2.0, method 0): masks are PNGs, which do not get smaller.
 *
 * @param {{name: string, bytes: Uint8Array}[]} files Names with `/` between folders, in UTF-8.
 * @param {Date} time The time that all files get, local, to two seconds.
 * @returns {Blob}
 * @throws {Error} beyond the limits of the format without its 64-bit extension.
 */
export function zip(files, time = new Date()) {
  if (files.length > 65535) throw new Error('A zip archive holds 65 535 files at most.');
  const stamp = [
    (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1),
    ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate(),
  ];
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const encoded = new TextEncoder().encode(name);
    // Needed to read: 2.0. Flags: names are UTF-8. Method: stored. Then time, date, checksum, both sizes, name, no extra.
    const common = record([2, 20], [2, 0x0800], [2, 0], [2, stamp[0]], [2, stamp[1]], [4, crc32(bytes)], [4, bytes.length],
      [4, bytes.length], [2, encoded.length], [2, 0]);
    parts.push(record([4, 0x04034b50]), common, encoded, bytes);
    directory.push(record([4, 0x02014b50], [2, 20]), common,
      record([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), encoded);
    offset += 30 + encoded.length + bytes.length;
    if (offset > 0xffffffff) throw new Error('A zip archive holds 4 GB at most.');
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

/** Little-endian integers, each `[bytes, value]`. */
function record(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}
