/** The contract's rules of values, enough of them to see each message at its field. */

const displayName = /^[^\p{C}\p{Zl}\p{Zp}\u00A0\u3000]+$/u;
const identifier = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
const scopeName = /^[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+$/;

export function badDisplayName(value: string, longest: number): string | undefined {
  if (value === "") return "is required";
  if (value !== value.trim()) return "must be without white space at its ends";
  if (Array.from(value).length > longest) return `must have at most ${longest} characters`;
  if (!displayName.test(value)) return "may hold only visible characters and spaces";
  return undefined;
}

export function badIdentifier(value: string): string | undefined {
  if (value === "") return "is required";
  if (value.length > 256) return "must have at most 256 characters";
  if (!identifier.test(value)) return "must not contain spaces, quotes or backslashes";
  return undefined;
}

export function badScopeName(value: string): string | undefined {
  if (value === "") return "is required";
  if (value.includes("/")) return "must not contain `/`";
  if (!scopeName.test(value)) return "must not contain spaces, quotes or backslashes";
  return undefined;
}

export function badText(value: string, longest: number, required = false): string | undefined {
  if (required && value.trim() === "") return "is required";
  return value.length > longest ? `must have at most ${longest} characters` : undefined;
}
