/** The published rate, in thousandths so that no product is rounded. */
const EUROS_OF_A_THOUSAND_DOLLARS = 908;

/** Thousandths of a euro cent, exact. */
export const inThousandths = (price: number): number => price * EUROS_OF_A_THOUSAND_DOLLARS;

/** What a price in dollar cents is in euro cents: the double next to it. */
export const inEuros = (price: number): number => inThousandths(price) / 1_000;
