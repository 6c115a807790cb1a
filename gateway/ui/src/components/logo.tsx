/** A toll bar, half open. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#0b6640" />
      <rect x="6" y="9" width="5" height="16" rx="1.5" fill="#fff" />
      <path d="M11 12.5 27 8.6v4.6l-16 3.9z" fill="#ffd43b" />
      <path d="m15.2 11.5 3-.75-1.2 4.9-3 .7z" fill="#0b6640" />
      <path d="m21.6 9.9 3-.73-1.2 4.9-3 .72z" fill="#0b6640" />
    </svg>
  );
}
