/** A property as text, as CloudFormation takes numbers and booleans; an object or a list is shown as JSON. */
export const propertyText = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
