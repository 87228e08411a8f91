// Words of others, to stand alone.

/** With a full stop at its end. */
export const ended = (text: string) => `${text}${/[.!?]$/.test(text) ? '' : '.'}`;

/** With a capital at its beginning and a full stop at its end. */
export const sentence = (text: string) => ended(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
