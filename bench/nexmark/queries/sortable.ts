/** A whole number, not negative, as a text: texts compare as the numbers do. */
export const sortable = (number: number): string => String(number).padStart(16, "0");
