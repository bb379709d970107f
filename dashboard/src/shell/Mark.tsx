/** A bell on a wire. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f766e" />
      <path d="M5 8.5h22M16 8.5v2" stroke="#fff" strokeWidth="2" strokeLinecap="round" />
      <path d="M16 10.5c-3.6 0-5.6 2.7-5.6 6v3.2L8.6 22.4h14.8l-1.8-2.7v-3.2c0-3.3-2-6-5.6-6Z" fill="#fff" />
      <path d="M13.8 24.4a2.3 2.3 0 0 0 4.4 0Z" fill="#fff" />
    </svg>
  );
}
