/** What the page says of itself: toasts for the eyes, announcements for screen readers. */

import { signal } from "@preact/signals";

export interface Toast {
  id: number;
  text: string;
  tone: "good" | "bad";
  link?: { text: string; to: string };
}

const TOAST_MS = 8_000;
const ANNOUNCEMENT_MS = 4_000;

export const toasts = signal<Toast[]>([]);
export const announcements = signal<{ id: number; text: string }[]>([]);

let lastId = 0;

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

type Options = Partial<Pick<Toast, "tone" | "link">> & {
  /** In place of one with the same words. */
  once?: boolean;
};

/** Shows a toast for a while; those with bad news stay until they are dismissed. */
export function toast(text: string, { once = false, ...options }: Options = {}): void {
  const id = ++lastId;
  const others = once ? toasts.value.filter((each) => each.text !== text) : toasts.value;
  toasts.value = [...others.slice(-3), { id, text, tone: "good", ...options }];
  if (options.tone !== "bad") setTimeout(() => dismiss(id), TOAST_MS);
}

export function announce(text: string): void {
  const id = ++lastId;
  announcements.value = [...announcements.value, { id, text }];
  setTimeout(() => (announcements.value = announcements.value.filter((each) => each.id !== id)), ANNOUNCEMENT_MS);
}
