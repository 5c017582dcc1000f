/** The mean of whole numbers that are not negative, cut off to a whole one as SQL does. Exact up to 2^53. */
export const wholeMean = (sum: number, count: number): number => (sum - (sum % count)) / count;
