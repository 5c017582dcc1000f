import { storableCopy } from "../state/storable.ts";

/**
 * A copy of a record's chosen value. What is kept is one, which a change of the record does not reach (X7), and so is what
 * is given of it.
 *
 * @throws poison error `state/not-storable`
 */
export const chosenCopy = <V>(name: string, value: V): V => storableCopy(value, `What ${name}() keeps`) as V;
