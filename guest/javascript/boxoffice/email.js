// The shape of an email address (RFC 5322 without comments, display names and domain literals; RFC 6531 beyond ASCII).

const ATOM = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+";
const LOCAL = new RegExp(`^(?:${ATOM}(?:\\.${ATOM})*|"(?:[\\t !#-\\[\\]-~]|\\\\[!-~])+")$`);
const LABEL = new RegExp(`^(?=[A-Za-z0-9])${ATOM}(?<=[A-Za-z0-9])$`);
/** Beyond ASCII, all but spaces and controls may be in an address. */
const FOREIGN = /[^\x00-\x7f\x80-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/gu;

/** Whether mail could be sent to it: at most 254 bytes, 64 of them before the `@`, 63 in each label of the domain. */
export function isEmail(address) {
    if (new TextEncoder().encode(address).length > 254 || address.includes(' <')) return false;
    const letters = address.replace(FOREIGN, 'x');
    const at = letters.lastIndexOf('@');
    const local = letters.slice(0, Math.max(at, 0));
    const labels = letters.slice(at + 1).split('.');
    return at > 0 && local.length <= 64 && LOCAL.test(local) && labels.every((label) => label.length <= 63 && LABEL.test(label));
}
