import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { messageOf } from "../api/http.ts";
import { logIn, loginNotice } from "../state/session.ts";
import { Icon } from "../parts/icons.tsx";

export function Login(): JSX.Element {
  const email = useSignal("");
  const password = useSignal("");
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const passwordField = useRef<HTMLInputElement>(null);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await logIn(email.value.trim(), password.value);
    } catch (error) {
      problem.value = messageOf(error);
      passwordField.current?.select();
    } finally {
      busy.value = false;
    }
  };

  return (
    <main class="login" id="main">
      <form class="card login-card" onSubmit={(event) => void submit(event)}>
        <h1>Job monitor</h1>
        <p class="soft">{loginNotice.value ?? "Log in to see your jobs and their results."}</p>
        <label class="field">
          <span class="label">E-mail</span>
          <input
            type="email" name="email" autocomplete="username" required value={email}
            onInput={(event) => (email.value = event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span class="label">Password</span>
          <input
            type="password" name="password" autocomplete="current-password" required value={password} ref={passwordField}
            aria-describedby="login-problem"
            onInput={(event) => (password.value = event.currentTarget.value)}
          />
        </label>
        <div id="login-problem" role="alert">
          {problem.value && <p class="problem"><Icon name="alert" size={18} /> {problem}</p>}
        </div>
        <button type="submit" class="button primary wide" aria-disabled={busy}>
          {busy.value ? "Logging in…" : "Log in"}
        </button>
      </form>
    </main>
  );
}
