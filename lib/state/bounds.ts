/** State nests no deeper: accumulators nest at most 64 deep (`storableCopy`), and tables put a few levels around them. */
export const MAX_DEPTH = 96;

/** No body has more values than this, keys included: they would take gigabytes of memory. */
export const MAX_VALUES = 16 * 1024 * 1024;

const PROTO = "__proto__";

/**
 * Walks msgpack bytes without making anything of them, so that whatever they say cannot take the process down:
 * nesting that exhausts the stack, lengths that exhaust memory, keys that would be taken for a prototype, extensions
 * that are no data. What passes is what {@link encodeBody} writes: null, undefined, booleans, numbers, bigints,
 * strings, byte arrays, Dates, arrays and objects.
 *
 * @param starts is filled with where the items of the arrays in the outermost array begin, which are to be as many
 * @throws Error saying what is out of bounds
 */
export function checkBounds(bytes: Uint8Array, maxValues = MAX_VALUES, starts?: Uint32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Per level, how many values are still to come, and whether it is an object: then every other one is a key. */
  const left = new Float64Array(MAX_DEPTH + 1);
  const isObject = new Uint8Array(MAX_DEPTH + 1);
  left[0] = 1;
  let depth = 0;
  let at = 0;
  let values = 0;
  let started = 0;

  const skip = (length: number): void => {
    at += length;
    if (at > bytes.length) throw new Error("it ends too early");
  };
  const open = (count: number, object: boolean): void => {
    if (count > bytes.length - at) throw new Error("it declares more than it holds");
    if (++depth > MAX_DEPTH) throw new Error(`it nests deeper than ${MAX_DEPTH}`);
    left[depth] = object ? 2 * count : count;
    isObject[depth] = Number(object);
  };
  const string = (length: number, isKey: boolean): void => {
    const start = at;
    skip(length);
    if (isKey && length === PROTO.length && isProto(bytes, start)) throw new Error(`it has a key "${PROTO}"`);
  };

  for (;;) {
    while (left[depth] === 0) if (--depth < 0) break;
    if (depth < 0) break;
    const isKey = isObject[depth] === 1 && left[depth]! % 2 === 0;
    left[depth]!--;
    if (++values > maxValues) throw new Error(`it has more than ${maxValues} values`);
    if (depth === 2 && starts !== undefined) {
      if (started === starts.length) throw new Error("it has more entries than it should");
      starts[started++] = at;
    }
    const token = at < bytes.length ? bytes[at++]! : 0xc1;
    const isString = (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);
    if (isKey && !isString) throw new Error("it has a key that is no text");
    if (token < 0x80 || token >= 0xe0) continue; // small integers
    if (token < 0x90) open(token & 0x0f, true);
    else if (token < 0xa0) open(token & 0x0f, false);
    else if (token < 0xc0) string(token & 0x1f, isKey);
    else {
      // Reading beyond the end throws a RangeError.
      switch (token) {
        case 0xc0: // null
        case 0xc2: // false
        case 0xc3: // true
          break;
        case 0xc4: // bytes
          skip(1 + view.getUint8(at));
          break;
        case 0xc5:
          skip(2 + view.getUint16(at));
          break;
        case 0xc6:
          skip(4 + view.getUint32(at));
          break;
        case 0xca: // numbers
        case 0xce:
        case 0xd2:
          skip(4);
          break;
        case 0xcb:
        case 0xcf:
        case 0xd3:
          skip(8);
          break;
        case 0xcc:
        case 0xd0:
          skip(1);
          break;
        case 0xcd:
        case 0xd1:
          skip(2);
          break;
        case 0xd4: // undefined
          if (view.getUint16(at) !== 0) throw new Error("it has an extension that is no data");
          skip(2);
          break;
        case 0xd6: // Dates
        case 0xd7:
          if (view.getUint8(at) !== 0xff) throw new Error("it has an extension that is no data");
          skip(token === 0xd6 ? 5 : 9);
          break;
        case 0xc7:
          if (view.getUint16(at) !== 0x0cff) throw new Error("it has an extension that is no data");
          skip(14);
          break;
        case 0xd9: {
          const length = view.getUint8(at);
          at += 1;
          string(length, isKey);
          break;
        }
        case 0xda: {
          const length = view.getUint16(at);
          at += 2;
          string(length, isKey);
          break;
        }
        case 0xdb: {
          const length = view.getUint32(at);
          at += 4;
          string(length, isKey);
          break;
        }
        case 0xdc:
          skip(2);
          open(view.getUint16(at - 2), false);
          break;
        case 0xdd:
          skip(4);
          open(view.getUint32(at - 4), false);
          break;
        case 0xde:
          skip(2);
          open(view.getUint16(at - 2), true);
          break;
        case 0xdf:
          skip(4);
          open(view.getUint32(at - 4), true);
          break;
        default:
          throw new Error(`it has a value of no known kind (0x${token.toString(16)})`);
      }
    }
  }
  if (at !== bytes.length) throw new Error("it does not end where its value does");
  if (starts !== undefined && started < starts.length) throw new Error("it has fewer entries than it should");
}

function isProto(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < PROTO.length; i++) if (bytes[start + i] !== PROTO.charCodeAt(i)) return false;
  return true;
}
