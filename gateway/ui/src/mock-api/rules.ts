/** The contract's rules of values, enough of them to see each message at its field. */

const displayName = /^[\p{L}\p{N} _+=,.@-]+$/u;
const identifier = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
const scopeName = /^[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+$/;

export function badDisplayName(value: string, longest: number): string | undefined {
  if (value === "") return "must not be empty";
  if (value !== value.trim()) return "must not begin or end with white space";
  if (value.length > longest) return `must have at most ${longest} characters`;
  if (!displayName.test(value))
    return "may contain letters, digits, spaces and `_ + = , . @ -` only";
  return undefined;
}

export function badIdentifier(value: string): string | undefined {
  if (value === "") return "must not be empty";
  if (value.length > 256) return "must have at most 256 characters";
  if (!identifier.test(value)) return "must not contain spaces, quotes or backslashes";
  return undefined;
}

export function badScopeName(value: string): string | undefined {
  if (value === "") return "must not be empty";
  if (value.includes("/")) return "must not contain `/`";
  if (!scopeName.test(value)) return "must not contain spaces, quotes or backslashes";
  return undefined;
}

export function badText(value: string, longest: number, required = false): string | undefined {
  if (required && value.trim() === "") return "must not be empty";
  return value.length > longest ? `must have at most ${longest} characters` : undefined;
}
