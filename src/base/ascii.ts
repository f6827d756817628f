/**
 * ASCII: letters and white space of text in which a character stands for a byte (Latin-1 text).
 *
 * JavaScript's own functions go by Unicode. There the byte A0 is white space, in UTF-8 the end of
 * "à" and of "Р", and bytes above 7F have other cases; none of that is true of a byte. So what
 * separates words in Redis's protocols and files is told by these functions.
 */

/** As C's isspace tells it: space, \t \n \v \f \r. */
const SPACE = /[ \t-\r]/;
/** What Redis takes off at the ends of a line, which is less. */
const SPACES_BEFORE = /^[ \t\r\n]+/;
const SPACES_BEHIND = /[ \t\r\n]+$/;

/** The text with the letters A to Z made small. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The text with the letters a to z made capitals. */
export function asciiUpper(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Whether white space stands anywhere in the text. */
export function hasSpace(text: string): boolean {
  return SPACE.test(text);
}

/** The text without space, \t, \r and \n at its beginning. */
export function trimSpaceBefore(text: string): string {
  return text.replace(SPACES_BEFORE, "");
}

/** The text without space, \t, \r and \n at its end. */
export function trimSpaceBehind(text: string): string {
  return text.replace(SPACES_BEHIND, "");
}

/** The text without space, \t, \r and \n at both ends. */
export function trimSpace(text: string): string {
  return trimSpaceBehind(trimSpaceBefore(text));
}
