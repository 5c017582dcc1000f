/**
 * Bytes of a DynamoDB item in its wire form, by the rules of "DynamoDB item sizes and formats" in the developer
 * guide: names and strings by UTF-8, numbers by pairs of digits, 3 bytes for a list or map and 1 for each element.
 */
export function itemBytes(item: unknown): number {
  return entriesOf(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(value: unknown): number {
  const [type, content] = entriesOf(value)[0] ?? ["NULL", true];
  switch (type) {
    case "S":
      return Buffer.byteLength(String(content));
    case "N":
      return numberBytes(String(content));
    case "B":
      return Buffer.byteLength(String(content), "base64");
    case "SS":
      return sum(content, (element) => Buffer.byteLength(String(element)));
    case "NS":
      return sum(content, (element) => numberBytes(String(element)));
    case "BS":
      return sum(content, (element) => Buffer.byteLength(String(element), "base64"));
    case "L":
      return 3 + sum(content, (element) => 1 + valueBytes(element));
    case "M":
      return 3 + entriesOf(content).length + itemBytes(content);
    default:
      return 1;
  }
}

function numberBytes(digits: string): number {
  const significant = digits.replace(/[^0-9]/g, "").replace(/^0+|0+$/g, "").length;
  return Math.min(21, 1 + Math.ceil(significant / 2) + (digits.startsWith("-") ? 1 : 0));
}

function sum(elements: unknown, size: (element: unknown) => number): number {
  return Array.isArray(elements) ? elements.reduce<number>((total, element) => total + size(element), 0) : 0;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
