/**
 * Reads server-sent events (WHATWG HTML, §9.2.6) from chunks of text that may be cut anywhere. `EventSource` cannot send an
 * access token, so the stream comes through `fetch` and is read here.
 */
export class EventReader {
  constructor() {
    this.rest = '';
    this.isStart = true;
    this.clear();
  }

  clear() {
    this.data = [];
    this.event = '';
  }

  /** The events that `chunk` completes, as `{event, id, data}`. */
  read(chunk) {
    const found = [];
    let text = this.rest + chunk;
    if (this.isStart && text !== '') {
      text = text.replace(/^\uFEFF/, '');
      this.isStart = false;
    }
    for (;;) {
      const end = /\r\n|\n|\r/.exec(text);
      // A carriage return at the very end may be the first half of a line end.
      if (end === null || (end[0] === '\r' && end.index + 1 === text.length)) break;
      const line = text.slice(0, end.index);
      text = text.slice(end.index + end[0].length);
      if (line !== '') this.take(line);
      else if (this.data.length > 0) {
        found.push({ event: this.event || 'message', id: this.id, data: this.data.join('\n') });
        this.clear();
      } else this.clear();
    }
    this.rest = text;
    return found;
  }

  take(line) {
    if (line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.data.push(value);
    else if (name === 'event') this.event = value;
    else if (name === 'id') this.id = value;
  }
}
