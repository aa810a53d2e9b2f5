import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { messageOf } from "../api/http.ts";
import type { Session } from "../model/types.ts";
import { toast } from "../state/notices.ts";
import { logOut, session } from "../state/session.ts";
import { theme, type Theme } from "../state/theme.ts";

const USER_TYPES: Record<Session["user"]["user_type"], string> = { user: "User", admin: "Admin", super_admin: "Super Admin" };
const THEMES: [Theme, string][] = [["system", "System"], ["light", "Light"], ["dark", "Dark"]];

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => word?.[0] ?? "").join("").toUpperCase();
}

function ThemeChoice(): JSX.Element {
  return (
    <fieldset class="themes">
      <legend>Theme</legend>
      <div class="segments">
        {THEMES.map(([value, text]) => (
          <label key={value}>
            <input type="radio" name="theme" checked={theme.value === value} onChange={() => (theme.value = value)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

async function leave(): Promise<void> {
  try {
    await logOut();
  } catch (error) {
    toast(`You are still logged in. ${messageOf(error)}`, { tone: "bad" });
  }
}

export function UserMenu(): JSX.Element | null {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open.value) return;
    const outside = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    addEventListener("pointerdown", outside);
    addEventListener("focusin", outside);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("focusin", outside);
    };
  }, [open.value]);

  const closeByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open.value) return;
    open.value = false;
    button.current?.focus();
  };
  if (!session.value) return null;
  const { user, account } = session.value;
  return (
    <div class="user-menu" ref={box} onKeyDown={closeByKey}>
      <button
        ref={button}
        type="button"
        class="avatar"
        aria-expanded={open.value}
        aria-controls="user-menu"
        aria-label={`${user.name}: your account, theme, log out`}
        onClick={() => (open.value = !open.value)}
      >
        {initials(user.name)}
      </button>
      {open.value && (
        <div class="menu" id="user-menu">
          <p class="menu-name">{user.name}</p>
          <p class="small">{user.email}</p>
          <p class="small">{USER_TYPES[user.user_type]} · {account.name}</p>
          <ThemeChoice />
          <button type="button" class="button quiet wide" onClick={() => void leave()}>Log out</button>
        </div>
      )}
    </div>
  );
}
