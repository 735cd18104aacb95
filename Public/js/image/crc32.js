const TABLE = new Uint32Array(256).map((_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The CRC-32 of PNG (ISO 3309) and zip, of the concatenation of `parts` (Uint8Arrays). */
export function crc32(...parts) {
  let value = 0xffffffff;
  for (const bytes of parts) {
    for (let index = 0; index < bytes.length; index += 1) value = TABLE[(value ^ bytes[index]) & 255] ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}
