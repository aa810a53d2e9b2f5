/** The name a job has beside its type's. */

export const REFERENCE_MAX = 160;

/** The user's own, else the file's; empty for none. */
export function referenceOf(typed: string, file: string): string {
  return typed.trim() || file.slice(0, REFERENCE_MAX);
}
